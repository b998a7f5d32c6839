// SPDX-License-Identifier: MIT
// From matrices to recorded statistics: singular values, curves, statistics, on all threads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spectrum/records.h"
#include "spectrum/singular_values.h"

namespace linformer {

/// An index into a spectrum at which curves are read: m itself, or a share of its length.
struct AtPoint {
  int64_t m = 0;     ///< 0: given as a share
  double share = 0;  ///< of n

  /// m for a spectrum of n values; at least 1.
  int64_t index(int64_t n) const;
  /// "128" or "25%".
  std::string label() const;
};

/// How curves are sampled: at every m where all spectra have `length` values, else at `points` shares of n.
struct CurveGrid {
  int64_t length = 0;  ///< 0: lengths differ
  int64_t points = 0;

  /// m, or m/n, of point i (from 0).
  double at(int64_t i) const;
  /// Points that the report has curves at: M (0: none), every multiple of a step that makes at most 64 of
  /// them, and the powers of two below the first, where curves are steepest.
  std::vector<int64_t> reported(int64_t at) const;
};

/// The names of what measure() records, in order.
std::vector<std::string> statistic_names(std::span<const AtPoint> at);

/// Spectra of a set of matrices. Buffers are kept between calls.
class Measurement {
 public:
  Measurement(std::string_view method, std::vector<AtPoint> at, CurveGrid grid, Run& run);

  /// Bytes beside the matrices for `matrices` of this size on all threads.
  int64_t buffer_bytes(int64_t matrices, int64_t rows, int64_t cols) const;

  /// Singular values of the matrices (of equal size), and of the centred ones if wanted. May throw
  /// NonFiniteEntry.
  void compute(std::span<const MatrixView<const float>> matrices, bool centred);
  std::span<const double> values(size_t matrix) const;
  std::span<const double> centred_values(size_t matrix) const;
  /// Seconds that threads have waited for others in compute() so far, all together.
  double idle_seconds() const { return singular_values_->idle_seconds(); }

  /// Statistics and curves of what was computed: of the matrices, or of the centred ones. `entropies` are
  /// recorded as the matrices' row entropies. All go to (keys[i].sequence, series, keys[i].layer,
  /// keys[i].head).
  void record(Records& records, int64_t series, std::span<const RecordKey> keys,
              std::span<const double> entropies, bool centred, double weight);

 private:
  void describe(std::span<const double> values, double scale, double entropy, std::span<double> statistics,
                std::span<double> cumulative, std::span<double> energy);

  std::unique_ptr<SingularValues> singular_values_;
  std::vector<AtPoint> at_;
  CurveGrid grid_;
  size_t statistics_;
  Run& run_;
  size_t matrices_ = 0, size_ = 0;
  bool centred_ = false;
  Buffer<double> spectra_;    ///< [matrices][values, centred values][size]
  Buffer<double> described_;  ///< [matrices][statistics, cumulative points, energy points]
};

}  // namespace linformer
