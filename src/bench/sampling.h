// SPDX-License-Identifier: MIT
// Samples of several workloads in turn.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <span>
#include <vector>

#include "base/run.h"
#include "bench/workload.h"

namespace linformer {

/// Best of a few bursts on all threads, GFLOP/s: the peak that multiply-adds of f32 reach now, or of bf16,
/// where has_bf16_products().
double measure_peak_gflops(int threads, DType products = DType::kF32);

/// Most rounds of samples: more say nothing new.
inline constexpr int64_t kMostRounds = 1000;

/// Pushes everything else out of the caches by writing 256 MiB.
class CacheFlush {
 public:
  static constexpr int64_t kBytes = int64_t{256} << 20;

  explicit CacheFlush(Run& run);
  void run(int threads);

 private:
  Buffer<float> buffer_;
};

/// A workload that has been called once, and what a call takes at the least, by its operations and the peak.
struct Contender {
  Workload* workload = nullptr;
  DType products = DType::kF32;  ///< what it multiplies
  double least_seconds = 0;
};

struct SamplingOptions {
  uint64_t seed = 1;   ///< of the order
  double seconds = 1;  ///< rounds go on until then, but kLeastSamples are taken whatever it takes
  double least_sample_seconds = 0.002;  ///< calls that are shorter are repeated within a sample
  CacheFlush* flush = nullptr;          ///< run before each sample, which is one call then; null: caches stay
};

/// [round], GFLOP/s, by what is multiplied: of f32 always, of bf16 where a workload multiplies it.
using RoundPeaks = std::map<DType, std::vector<double>>;

struct Samples {
  std::vector<std::vector<double>> ns;  ///< [workload][round], of one call
  std::vector<int64_t> calls;           ///< [workload], in a sample
  RoundPeaks peaks;
  std::vector<std::exception_ptr> failures;  ///< [workload], what its call threw; it is left out from then on
};

/// What a warm-up takes. A call that takes longer at the least needs none: its first was one.
inline constexpr double kWarmUpSeconds = 0.05;

/// Warms each workload up, then takes a sample of each in every round, in an order drawn anew. Stops early if
/// `run` is stopped.
Samples sample(std::span<const Contender> contenders, const SamplingOptions& options, Run& run);

}  // namespace linformer
