// SPDX-License-Identifier: MIT
// Everything an analysis keeps: statistics of every matrix and exact sums of the curves. It can be written
// and read back, and then gives the same results to the bit as an uninterrupted run.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/exact_sum.h"

namespace linformer {

/// What is kept, and so the sizes of it.
struct RecordLayout {
  std::vector<std::string> series = {};
  std::vector<std::string> statistics = {};
  int64_t sequences = 0;  ///< planned
  int64_t layers = 0;     ///< analysed
  int64_t heads = 0;      ///< analysed
  int64_t points = 0;     ///< of each curve
  /// Indices of points at which a layer's curve is kept for every sequence.
  std::vector<int64_t> band_points = {};

  friend bool operator==(const RecordLayout&, const RecordLayout&) = default;
};

/// Which matrix a record is of; indices into the layout.
struct RecordKey {
  int64_t sequence = 0;
  int64_t series = 0;
  int64_t layer = 0;
  int64_t head = 0;
};

/// Sums and extremes over the model's own matrices.
struct RecordChecks {
  int64_t matrices = 0;
  int64_t verified = 0;
  double largest_norm_error = 0;
  double smallest_sigma1 = std::numeric_limits<double>::max();
  double smallest_sigma1_ratio = std::numeric_limits<double>::max();  ///< of σ₁ to its bound ‖P 1‖ / ‖1‖
  double largest_verified_error = 0;
};

class Records {
 public:
  /// `spectra`: where the run keeps its singular values, as it was given; empty: nowhere.
  Records(std::string identity, RecordLayout layout, const std::string& spectra = {});

  const RecordLayout& layout() const { return layout_; }
  RecordChecks& checks() { return checks_; }
  const RecordChecks& checks() const { return checks_; }

  /// Bytes of statistics and curves when all planned sequences are done.
  static int64_t bytes(const RecordLayout& layout);

  /// Adds weight × (statistics, curves) of one matrix: the weights of one key sum to 1. Curves have `points`
  /// values. Not thread-safe. A sequence counts once finish() was called for it.
  void add(const RecordKey& key, std::span<const double> statistics, std::span<const double> cumulative,
           std::span<const double> energy, double weight);
  void finish(int64_t sequence);

  bool finished(int64_t sequence) const { return finished_[static_cast<size_t>(sequence)]; }
  int64_t finished_count() const;

  float statistic(const RecordKey& key, int64_t statistic) const;
  /// Mean over the heads of c at band point i.
  float band(int64_t sequence, int64_t series, int64_t layer, int64_t i) const;
  /// Sum over finished sequences of c_m (of e_m) at a point.
  double cumulative_sum(int64_t series, int64_t layer, int64_t head, int64_t point) const;
  double energy_sum(int64_t series, int64_t layer, int64_t head, int64_t point) const;

  /// Writes all of it to `path`, atomically and as a stream: no copy is made. Only between batches: every
  /// sequence begun must be finished.
  void save(const std::string& path) const;
  /// Reads what save() wrote. Throws Error(kInput) if the file is damaged, Error(kUsage) if it belongs to a
  /// run with another identity or layout, or one that kept its spectra in another file or nowhere.
  static Records load(const std::string& path, const std::string& identity, const RecordLayout& layout,
                      const std::string& spectra = {});

 private:
  int64_t matrix_index(int64_t series, int64_t layer, int64_t head) const;

  std::string identity_;
  RecordLayout layout_;
  std::string spectra_;  ///< name of the file
  RecordChecks checks_;
  std::vector<bool> finished_;
  std::vector<std::vector<float>>
      statistics_;                         ///< [sequence][series, layer, head, statistic]; empty: not begun
  std::vector<std::vector<float>> bands_;  ///< [sequence][series, layer, band point]
  std::vector<ExactSum> curves_;           ///< [series, layer, head, {cumulative, energy}, point]
};

}  // namespace linformer
