// SPDX-License-Identifier: MIT
// Samples of several workloads in turn.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/run.h"
#include "bench/workload.h"

namespace linformer {

/// Best of a few bursts on all threads, GFLOP/s: the peak that f32 multiply-adds reach now.
double measure_peak_gflops(int threads);

struct SamplingOptions {
  uint64_t seed = 1;   ///< of the order
  double seconds = 1;  ///< rounds go on until then, but kLeastSamples are taken whatever it takes
  double least_sample_seconds = 0.002;  ///< calls that are shorter are repeated within a sample
  bool cold = false;
};

struct Samples {
  std::vector<std::vector<double>> ns;  ///< [workload][round], of one call
  std::vector<int64_t> calls;           ///< [workload], in a sample
  std::vector<double> peaks;            ///< [round], GFLOP/s
};

/// Warms each workload up, then takes a sample of each in every round, in an order drawn anew. Stops early if
/// `run` is stopped.
Samples sample(std::span<Workload* const> workloads, const SamplingOptions& options, Run& run);

}  // namespace linformer
