// SPDX-License-Identifier: MIT
// What was timed and measured, as plain values; report/ writes it, cli/ shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/order_statistics.h"

namespace linformer {

/// The level of every interval of a bench.
inline constexpr double kBenchConfidence = 0.95;
/// Fewer samples than this are not called a measurement.
inline constexpr int64_t kLeastSamples = 6;

/// One mechanism on one shape: h heads of size d, b sequences of n tokens.
struct BenchCell {
  std::string mechanism;  ///< canonical
  int64_t length = 0;     ///< n
  int64_t batch = 0;      ///< b
  int64_t heads = 0;      ///< h
  int64_t head_size = 0;  ///< d
  bool causal = false;
  int64_t tokens = 0;  ///< what the batch was made to have; 0: the batch was given
};

/// "flash (n = 512, b = 1, h = 12, d = 64)".
std::string name_of(const BenchCell& cell);

enum class CellState {
  kInterrupted,  ///< too few samples when the run was stopped
  kMeasured,
  kTooLarge,     ///< it would not fit the memory allowed
  kUnsupported,  ///< the mechanism cannot do it
  kWrong         ///< it differs from its reference by more than its bound, and was not timed
};

/// "interrupted", "measured", "too large", "unsupported", "wrong".
std::string_view name_of(CellState state);

/// Against the mechanism that a ratio refers to: its median over this one's, so that above 1 is faster.
struct Ratio {
  std::string reference;
  double ratio = 0;
  std::optional<Interval> interval;
};

/// Largest difference from the f64 reference over sampled rows, in units of the largest |O| among them.
struct CellError {
  double error = 0;
  double bound = 0;
  int64_t rows = 0;
};

struct CellResult {
  BenchCell cell;
  CellState state = CellState::kInterrupted;
  std::string reason;  ///< why it was not measured
  bool needs_training = false;
  double flops = 0;                                                    ///< of the whole cell
  int64_t workspace_bytes = 0, parameter_bytes = 0, tensor_bytes = 0;  ///< of the whole cell
  CellError error;
  /// Heads and sequences that were timed, if not all; times are scaled by their share.
  int64_t timed_heads = 0, timed_batch = 0;
  bool measured() const { return state == CellState::kMeasured; }
  bool scaled() const { return timed_heads * timed_batch < cell.heads * cell.batch; }
  int64_t calls_per_sample = 0;
  double first_call_ns = 0;
  std::vector<double> samples_ns;  ///< of one call of the whole cell, in the order measured
  double median_ns = 0, p95_ns = 0, min_ns = 0;
  std::optional<Interval> interval_ns;  ///< of the median
  double gflops = 0;                    ///< at the median
  double peak_share = 0;                ///< of the FMA peak of the same rounds
  std::vector<Ratio> ratios;
};

/// log₂(t₂ₙ / tₙ), or the same per doubling where lengths differ by another factor.
struct LocalSlope {
  int64_t from = 0, to = 0;
  double slope = 0;
  std::optional<Interval> interval;
};

/// Of cells equal in all but the length; with BenchCell::tokens, of time at so many tokens, which a mechanism
/// with linear time does not change.
struct Growth {
  BenchCell cell;  ///< the shortest
  std::vector<LocalSlope> slopes;
};

/// From which length on a mechanism is faster than a reference.
struct Crossover {
  BenchCell cell;  ///< the mechanism, at its shortest
  std::string reference;
  std::optional<double> length;  ///< none: see reason
  std::string reason;
};

struct BenchResult {
  std::vector<CellResult> cells;
  std::vector<Growth> growth;
  std::vector<Crossover> crossovers;
  double peak_gflops = 0;  ///< FMA, f32, all threads: the best of the run
  double drift = 0;        ///< the peak that nine rounds in ten reach, over the best
  std::vector<std::string> warnings;
  bool complete = true;
};

}  // namespace linformer
