// SPDX-License-Identifier: MIT
#include "bench/budget.h"

#include <algorithm>
#include <utility>

#include "bench/bench.h"
#include "bench/prediction.h"
#include "bench/sampling.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

// Of the check and the samples, and of a warm-up where calls are short.
double seconds_of(double flops, double gflops) {
  const double call = guessed_seconds(flops, gflops);
  return static_cast<double>(kLeastSamples + 1) * call + std::min(call, kWarmUpSeconds);
}

double between(const Need& need, double share) { return std::min(need.seconds, std::max(need.least, share)); }

}  // namespace

double guessed_seconds(double flops, double peak_gflops) {
  constexpr double kGuessedShare = 0.5;
  return flops / (kGuessedShare * peak_gflops) * 1e-9;
}

double fair_share(std::span<const Need> needs, double budget) {
  double low = 0, high = budget;
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    const double share = (low + high) / 2;
    double all = 0;
    for (const Need& need : needs) all += between(need, share);
    (all <= budget ? low : high) = share;
  }
  return low;
}

std::vector<Group> share_out(std::vector<CellResult>& cells, const Subject& subject, double budget,
                             double peak_gflops, int peak_threads) {
  std::vector<CellResult*> open;
  std::vector<Need> needs;
  for (CellResult& cell : cells) {
    if (cell.measured() || !cell.reason.empty()) continue;
    const double gflops = peak_gflops * cell.cell.threads / peak_threads;
    const double least = work_share(cell.cell, subject.reduced(cell.cell, 0));
    open.push_back(&cell);
    needs.push_back(
        {.seconds = seconds_of(cell.flops, gflops), .least = seconds_of(cell.flops * least, gflops)});
  }
  const double share = fair_share(needs, budget);
  double all = 0;
  for (const Need& need : needs) all += between(need, share);
  std::vector<Group> groups;
  for (size_t i = 0; i < open.size(); ++i) {
    const BenchCell& cell = open[i]->cell;
    if (groups.empty() || !same_shape(groups.back().results.front()->cell, cell)) groups.emplace_back();
    Group& group = groups.back();
    group.results.push_back(open[i]);
    group.timed.push_back(subject.reduced(cell, share / needs[i].seconds));
    group.seconds += budget * between(needs[i], share) / all;
  }
  return groups;
}

std::vector<BenchCell> affordable(const std::vector<BenchCell>& cells, const Subject& subject, double budget,
                                  double peak_gflops, Run& run) {
  std::vector<std::pair<double, size_t>> costs;
  for (size_t i = 0; i < cells.size(); ++i) {
    const CellResult whole = predicted(cells[i], subject, run);
    const double least = work_share(cells[i], subject.reduced(cells[i], 0));
    costs.emplace_back(whole.reason.empty() ? seconds_of(whole.flops * least, peak_gflops) : 0, i);
  }
  std::sort(costs.begin(), costs.end());
  std::vector<bool> kept(cells.size());
  double used = 0;
  for (const auto& [seconds, i] : costs) {
    used += seconds;
    kept[i] = used <= budget;
  }
  std::vector<BenchCell> within;
  for (size_t i = 0; i < cells.size(); ++i)
    if (kept[i]) within.push_back(cells[i]);
  return within;
}

}  // namespace linformer
