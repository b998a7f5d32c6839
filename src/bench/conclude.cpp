// SPDX-License-Identifier: MIT
#include "bench/conclude.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/comparison.h"

namespace linformer {
namespace {

void note_drift(const Peak& peak, std::vector<std::string>& warnings) {
  constexpr double kLeastDrift = 0.9;
  if (peak.drift >= kLeastDrift) return;
  warnings.push_back(fmt::format(
      "in a tenth of the rounds the FMA peak was below {:.0f} % of its best: the clock changes or "
      "others use the machine (shares of the peak may be wrong; OMP_WAIT_POLICY=passive or fewer --threads "
      "can help)",
      100 * peak.drift));
}

void note_spread(const CellResult& cell, std::vector<std::string>& warnings) {
  constexpr double kMostSpread = 0.1;
  if (!cell.measured() || !cell.interval_ns) return;
  const double spread = (cell.interval_ns->high - cell.interval_ns->low) / cell.median_ns;
  if (spread <= kMostSpread) return;
  warnings.push_back(
      fmt::format("{}: the median's interval is {:.0f} % wide", name_of(cell.cell), 100 * spread));
}

}  // namespace

void summarise_samples(CellResult& r, double peak) {
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
  r.peak_share = r.gflops / peak;
}

void conclude(BenchResult& result, PeaksByThreads peaks, const std::vector<std::string>& references,
              uint64_t seed) {
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
  for (auto& [threads, rounds] : peaks) {
    if (rounds.empty()) continue;
    std::sort(rounds.begin(), rounds.end());
    result.peaks.push_back(
        {.threads = threads, .gflops = rounds.back(), .drift = quantile(rounds, 0.1) / rounds.back()});
    note_drift(result.peaks.back(), result.warnings);
  }
  for (const CellResult& cell : result.cells) note_spread(cell, result.warnings);
#ifndef NDEBUG
  result.warnings.emplace_back("a debug build: times mean little");
#endif
}

}  // namespace linformer
