// SPDX-License-Identifier: MIT
#include "bench/shape_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>

#include "base/threads.h"
#include "bench/attempt.h"
#include "bench/conclude.h"

namespace linformer {
namespace {

// A cell that passed its check.
struct Ready {
  std::unique_ptr<Workload> workload;
  CellResult* result;
};

// Null if the cell is not to be timed.
std::unique_ptr<Workload> make_ready(const BenchCell& timed, Workbench& workbench, uint64_t seed,
                                     CellResult& result) {
  result.score_deviation = workbench.score_deviation();
  std::unique_ptr<Workload> workload = workbench.make_ready(timed);
  const FirstCall first = workload->first_call(seed);
  result.timed_batch = timed.batch;
  result.timed_heads = timed.heads;
  result.timed_layers = timed.layers;
  result.first_call_ns = first.ns * result.scale();
  result.extra_bytes = first.extra_bytes;
  result.error = first.error;
  if (first.error.error <= first.error.bound) return workload;
  result.state = CellState::kWrong;
  result.reason =
      fmt::format("differs from its f64 reference by {:.2g} of the largest value, more than {:.2g}",
                  first.error.error, first.error.bound);
  return nullptr;
}

RoundPeaks take_samples(std::vector<Ready>& ready, const SamplingOptions& options, Run& run) {
  std::vector<Contender> contenders;
  for (const auto& [workload, result] : ready) {
    const double flops = result->flops / result->scale();
    const double peak = measure_peak_gflops(run.threads, result->products());
    contenders.push_back(
        {.workload = workload.get(), .products = result->products(), .least_seconds = flops / peak * 1e-9});
  }
  Samples samples = sample(contenders, options, run);
  for (size_t i = 0; i < ready.size(); ++i) {
    CellResult& result = *ready[i].result;
    if (samples.failures[i] != nullptr) {
      attempt(result, [&] { std::rethrow_exception(samples.failures[i]); });
      continue;
    }
    result.calls_per_sample = samples.calls[i];
    result.samples_ns = std::move(samples.ns[i]);
    for (double& ns : result.samples_ns) ns *= result.scale();
    const std::vector<double>& rounds = samples.peaks[result.products()];
    result.peak_products = result.products();
    result.peak_gflops = rounds.empty() ? 0 : std::ranges::max(rounds);
    summarise_samples(result);
  }
  return std::move(samples.peaks);
}

}  // namespace

RoundPeaks run_shape(const Group& group, const Subject& subject, uint64_t seed, CacheFlush* flush,
                     const Run& of_all) {
  const auto begin = std::chrono::steady_clock::now();
  Run run = of_all;
  run.threads = group.timed.front().threads;
  const ThreadCount threads(run.threads);
  std::unique_ptr<Workbench> workbench;
  try {
    workbench = subject.open(group.timed, run);
  } catch (const std::exception& failure) {
    for (CellResult* result : group.results) note_failure(*result, failure);
    return {};
  }
  std::vector<Ready> ready;
  for (size_t i = 0; i < group.timed.size() && !run.stopped(); ++i) {
    CellResult& result = *group.results[i];
    attempt(result, [&] {
      auto workload = make_ready(group.timed[i], *workbench, seed, result);
      if (workload) ready.push_back({std::move(workload), &result});
    });
  }
  const std::chrono::duration<double> used = std::chrono::steady_clock::now() - begin;
  return take_samples(ready, {.seed = seed, .seconds = group.seconds - used.count(), .flush = flush}, run);
}

}  // namespace linformer
