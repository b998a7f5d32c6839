// SPDX-License-Identifier: MIT
#include "bench/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/memory.h"

namespace linformer {
namespace {

int most_threads(const std::vector<BenchCell>& cells) {
  int most = 0;
  for (const BenchCell& cell : cells) most = std::max(most, cell.threads);
  return most;
}

void note_threads(const std::vector<BenchCell>& cells, int cores, std::vector<Warning>& warnings) {
  const int most = most_threads(cells);
  if (cores == 0 || most <= cores) return;
  warnings.push_back(
      {"threads", fmt::format("{} threads on {} core{}: they take turns, and wait for one another", most,
                              cores, cores == 1 ? "" : "s")});
}

void note_tokens(const std::vector<BenchCell>& cells, std::vector<Warning>& warnings) {
  std::set<int64_t> lengths;
  for (const BenchCell& cell : cells) {
    const int64_t tokens = cell.batch * cell.length;
    if (cell.tokens == 0 || tokens == cell.tokens || !lengths.insert(cell.length).second) continue;
    warnings.push_back({"tokens", fmt::format("at n = {} {} whole sequence{} make{} {} tokens, not {}",
                                              cell.length, cell.batch, cell.batch == 1 ? "" : "s",
                                              cell.batch == 1 ? "s" : "", tokens, cell.tokens)});
  }
}

void note_drift(const Peak& peak, std::vector<Warning>& warnings) {
  constexpr double kLeastDrift = 0.9;
  if (peak.drift >= kLeastDrift) return;
  warnings.push_back(
      {"drift",
       fmt::format(
           "in a tenth of the rounds the {} peak was below {:.0f} % of its best: the clock changes or "
           "others use the machine (shares of the peak may be wrong; OMP_WAIT_POLICY=passive or fewer "
           "--threads can help)",
           peak.products == DType::kBF16 ? "bf16" : "FMA", 100 * peak.drift)});
}

void note_spread(const CellResult& cell, std::vector<Warning>& warnings) {
  constexpr double kMostSpread = 0.1;
  if (!cell.measured() || !cell.interval_ns) return;
  const double spread = (cell.interval_ns->high - cell.interval_ns->low) / cell.median_ns;
  if (spread <= kMostSpread) return;
  warnings.push_back({"spread", fmt::format("{}: the median's interval is {:.0f} % wide", name_of(cell.cell),
                                            100 * spread)});
}

void note_memory(const CellResult& cell, std::vector<Warning>& warnings) {
  if (cell.extra_bytes <= 0) return;
  warnings.push_back({"memory", fmt::format("{} took {} beyond its workspace", name_of(cell.cell),
                                            format_bytes(cell.extra_bytes))});
}

}  // namespace

std::vector<Warning> warnings_of_plan(const std::vector<BenchCell>& cells, int cores) {
  std::vector<Warning> warnings;
  note_threads(cells, cores, warnings);
  note_tokens(cells, warnings);
  return warnings;
}

std::vector<Warning> warnings_of_machine(const std::vector<BenchCell>& cells, const MachineFacts& machine,
                                         bool bound) {
  constexpr double kMostLoad = 0.5;
  std::vector<Warning> warnings;
  if (!machine.load_average.empty() && machine.load_average.front() > kMostLoad) {
    warnings.push_back({"load", fmt::format("the load of the minute before was {:.1f}: what else runs, or "
                                            "just ran, may slow this down",
                                            machine.load_average.front())});
  }
  const int cpus = machine.affinity_cpus.value_or(0), threads = most_threads(cells);
  if (cpus > threads && !bound) {
    warnings.push_back({"unpinned", fmt::format("{} thread{} may move among {} CPUs (OMP_PROC_BIND=true or "
                                                "taskset keeps them in place)",
                                                threads, threads == 1 ? "" : "s", cpus)});
  }
  return warnings;
}

std::vector<Warning> warnings_of_run(const BenchResult& result) {
  std::vector<Warning> warnings;
  for (const Peak& peak : result.peaks) note_drift(peak, warnings);
  for (const CellResult& cell : result.cells) note_spread(cell, warnings);
  for (const CellResult& cell : result.cells) note_memory(cell, warnings);
#ifndef NDEBUG
  warnings.push_back({"build", "a debug build: times mean little"});
#endif
  return warnings;
}

}  // namespace linformer
