// SPDX-License-Identifier: MIT
#include "bench/conclude.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/comparison.h"
#include "bench/warnings.h"

namespace linformer {

void summarise_samples(CellResult& r) {
  if (std::ssize(r.samples_ns) < kLeastSamples) {
    r.reason = fmt::format("stopped after {} samples", r.samples_ns.size());
    return;
  }
  r.state = CellState::kMeasured;
  std::vector<double> sorted = r.samples_ns;
  std::sort(sorted.begin(), sorted.end());
  r.median_ns = quantile(sorted, 0.5);
  r.p95_ns = quantile(sorted, 0.95);
  r.min_ns = sorted.front();
  r.interval_ns = median_interval(sorted, kBenchConfidence);
  r.gflops = r.flops / r.median_ns;
  r.peak_share = r.gflops / r.peak_gflops;
}

void conclude(BenchResult& result, Peaks peaks, const std::vector<std::string>& references, uint64_t seed) {
  for (CellResult& cell : result.cells) {
    if (cell.state == CellState::kInterrupted && cell.reason.empty()) cell.reason = "stopped before its turn";
  }
  result.complete = std::none_of(result.cells.begin(), result.cells.end(), [](const CellResult& cell) {
    return cell.state == CellState::kInterrupted;
  });
  add_ratios(result.cells, references, seed);
  result.growth = growth_of(result.cells, seed);
  result.crossovers = crossovers_of(result.cells, references);
  result.scaling = scaling_of(result.cells, seed);
  result.narrowing = narrowing_of(result.cells, seed);
  for (auto& [kind, rounds] : peaks) {
    if (rounds.empty()) continue;
    std::sort(rounds.begin(), rounds.end());
    result.peaks.push_back({.threads = kind.threads,
                            .products = kind.products,
                            .gflops = rounds.back(),
                            .drift = quantile(rounds, 0.1) / rounds.back()});
  }
  const std::vector<Warning> warnings = warnings_of_run(result);
  result.warnings.insert(result.warnings.end(), warnings.begin(), warnings.end());
}

}  // namespace linformer
