// SPDX-License-Identifier: MIT
// What was timed and measured, as plain values; report/ writes it, cli/ shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/order_statistics.h"
#include "base/tensor.h"

namespace linformer {

/// The level of every interval of a bench.
inline constexpr double kBenchConfidence = 0.95;
/// Fewer samples than this are not called a measurement.
inline constexpr int64_t kLeastSamples = 6;

/// What a cell is a call of.
enum class Level {
  kAttention,  ///< attention with Q, K and V given
  kLayer,      ///< a layer of an encoder, its input given
  kModel       ///< an encoder, its tokens given
};

/// "attention", "layer", "model".
std::string_view name_of(Level level);

/// One mechanism on one shape: h heads of size d, b sequences of n tokens.
struct BenchCell {
  std::string mechanism;  ///< canonical
  int64_t length = 0;     ///< n
  int64_t batch = 0;      ///< b
  int64_t heads = 0;      ///< h
  int64_t head_size = 0;  ///< d
  bool causal = false;
  int64_t tokens = 0;  ///< what the batch was made to have; 0: the batch was given
  int64_t layers = 0;  ///< L; 0: attention alone
  int threads = 1;
  DType dtype = DType::kF32;  ///< of Q, K, V and O, or of hidden states
  int64_t queries = 0;        ///< the last so many of the n tokens attend; 0: all of them
};

/// "f32", "bf16".
std::string_view name_of_dtype(DType dtype);

/// What part of a cell's sequences, heads and layers another has, whose other sizes are the same.
double work_share(const BenchCell& cell, const BenchCell& part);

/// "flash (n = 512, b = 1, h = 12, d = 64, 2 threads)", with "L = 12, " before the threads where it has
/// layers, "16 queries, " after n where not all tokens attend, and "flash in bf16".
std::string name_of(const BenchCell& cell);

enum class CellState {
  kInterrupted,  ///< too few samples when the run was stopped
  kMeasured,
  kTooLarge,     ///< it would not fit the memory allowed
  kUnsupported,  ///< the mechanism cannot do it
  kWrong,        ///< it differs from its reference by more than its bound, and was not timed
  kFailed        ///< it threw what it should not have
};

/// "interrupted", "measured", "too large", "unsupported", "wrong", "failed".
std::string_view name_of(CellState state);

/// Whether something is wrong with the program, not just with what was asked of it.
inline bool is_fault(CellState state) { return state == CellState::kWrong || state == CellState::kFailed; }

/// Against the mechanism that a ratio refers to: its median over this one's, so that above 1 is faster.
struct Ratio {
  std::string reference;
  double ratio = 0;
  std::optional<Interval> interval;
  double flops_ratio = 0;  ///< what it would be if both ran at one rate
};

/// Largest difference from the f64 reference, in units of the largest value among those it was compared with.
struct CellError {
  double error = 0;
  double bound = 0;
  int64_t rows = 0;  ///< that were sampled
};

struct CellResult {
  BenchCell cell;
  CellState state = CellState::kInterrupted;
  std::string reason;  ///< why it was not measured
  bool needs_training = false;
  bool native_bf16 = false;               ///< bf16 is multiplied as it is, not as f32 copies
  std::optional<double> score_deviation;  ///< what s q·k of a query scatters by
  double flops = 0;                       ///< of the whole cell
  int64_t workspace_bytes = 0, parameter_bytes = 0, tensor_bytes = 0;  ///< of the whole cell
  int64_t bytes() const { return tensor_bytes + workspace_bytes + parameter_bytes; }
  int64_t extra_bytes = 0;  ///< that its first call took beyond these
  CellError error;
  /// Heads, sequences and layers that were timed, if not all; times are scaled by their share.
  int64_t timed_heads = 0, timed_batch = 0, timed_layers = 0;
  bool measured() const { return state == CellState::kMeasured; }
  /// What the times were multiplied by.
  double scale() const;
  /// What is multiplied: kBF16 or kF32.
  DType products() const { return cell.dtype == DType::kBF16 && native_bf16 ? DType::kBF16 : DType::kF32; }
  bool scaled() const { return scale() > 1; }
  int64_t calls_per_sample = 0;
  double first_call_ns = 0;
  DType peak_products = DType::kF32;  ///< what peak_gflops is of: kBF16 where bf16 is multiplied as it is
  double peak_gflops = 0;             ///< peak of the rounds that it was sampled in
  std::vector<double> samples_ns;     ///< of one call of the whole cell, in the order measured
  double median_ns = 0, p95_ns = 0, min_ns = 0;
  std::optional<Interval> interval_ns;  ///< of the median
  double gflops = 0;                    ///< at the median
  double peak_share = 0;                ///< of peak_gflops
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
  LocalSlope fitted;  ///< over all lengths, by least squares of log t against log n
};

/// Of cells equal in all but the threads.
struct Scaling {
  BenchCell cell;  ///< with the fewest threads
  int threads = 0;
  double speed_up = 0;  ///< the fewest threads' median over that of `threads`
  std::optional<Interval> interval;
};

/// What is known of a cell without running it.
struct CellNeed {
  BenchCell cell;             ///< of one sequence
  double flops = 0;           ///< of it; 0 if it cannot be
  int64_t largest_batch = 0;  ///< that fits the memory it was asked for
};

/// What bf16 gains over f32, of cells equal in all else.
struct Narrowing {
  BenchCell cell;  ///< in f32
  bool native_bf16 = false;
  double speed_up = 0;
  std::optional<Interval> interval;
};

/// What multiply-adds in registers reach on some threads.
struct Peak {
  int threads = 0;
  DType products = DType::kF32;  ///< or kBF16, with f32 sums
  double gflops = 0;             ///< the best of the run
  double drift = 0;              ///< what nine rounds in ten reach, over the best
};

/// From which length on a mechanism is faster than a reference.
struct Crossover {
  BenchCell cell;  ///< the mechanism, at its shortest
  std::string reference;
  std::optional<double> length;  ///< none: see reason
  std::string reason;
};

/// What a reader should know before trusting a number.
struct Warning {
  std::string kind;  ///< one word for programs: FORMATS.md lists them
  std::string text;  ///< a sentence
};

struct BenchResult {
  Level level = Level::kAttention;
  std::string subject;  ///< what was timed, in words
  std::vector<CellResult> cells;
  std::vector<Growth> growth;
  std::vector<Crossover> crossovers;
  std::vector<Scaling> scaling;
  std::vector<Narrowing> narrowing;
  std::vector<Peak> peaks;  ///< of each number of threads, the most last, f32 before bf16
  std::vector<Warning> warnings;
  bool complete = true;
};

/// What a call was found to take.
struct MeasuredBytes {
  int64_t batch = 0;
  int64_t predicted = 0, measured = 0;
};

/// Against the mechanism that it refers to, above 1 where this one saves memory.
struct FitRatio {
  std::string reference;
  std::optional<double> batches;  ///< its largest batch over the reference's
  double bytes = 0;               ///< the reference's bytes a sequence over its own
};

/// How many sequences of one kind memory holds.
struct BatchFit {
  BenchCell cell;                        ///< of one sequence
  std::string reason;                    ///< why it cannot be; empty: it can
  bool keeps_probabilities = false;      ///< P of all heads is in memory
  int64_t one_bytes = 0;                 ///< of a batch of one
  double bytes_per_sequence = 0;         ///< of one more
  std::optional<int64_t> largest_batch;  ///< none where one does not fit
  std::vector<MeasuredBytes> measured;
  std::string measured_reason;  ///< why nothing was measured
  std::vector<FitRatio> ratios;
};

struct BatchFitResult {
  Level level = Level::kAttention;
  std::string subject;
  int64_t limit_bytes = 0;  ///< that a batch must fit
  std::vector<BatchFit> fits;
  std::vector<Warning> warnings;
  bool complete = true;

  /// |measured − predicted| / predicted, the largest of all; nothing if nothing was measured.
  std::optional<double> largest_difference() const;
};

/// More than this between what is predicted and what a call takes is a fault.
inline constexpr double kMostFitDifference = 0.01;

}  // namespace linformer
