// SPDX-License-Identifier: MIT
// Times the cells of a sweep: each is checked, then all of one shape are sampled in turn, in random order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/run.h"
#include "bench/result.h"
#include "bench/workload.h"

namespace linformer {

struct BenchOptions {
  uint64_t seed = 1;
  std::vector<std::string> references = {"standard", "flash"};  ///< of ratios; those that are in the sweep
  double budget_seconds = 60;                                   ///< shared among the cells
  std::optional<double> peak_gflops = std::nullopt;  ///< what the budget is shared out by; else measured
  bool cold = false;                                 ///< caches are filled with other data before each sample
};

/// The cell before it is run: its sizes, or why it cannot be. A Linformer with as many slots as there are
/// keys or more cannot: it would save nothing.
CellResult predicted(const BenchCell& cell, const Subject& subject, Run& run);

/// Runs the cells, those of one shape next to each other, each with its own number of threads. Cells that do
/// not fit the memory of `run` or that a mechanism cannot do are left out; the rest goes on. A stop request
/// ends it with what there is. Throws Error(kMemory) if `cold` is wanted and its buffer does not fit.
BenchResult bench(const std::vector<BenchCell>& cells, const Subject& subject, const BenchOptions& options,
                  Run& run);

}  // namespace linformer
