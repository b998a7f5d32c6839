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

/// Where a bench keeps what it has.
struct BenchFiles {
  std::string journal = {};   ///< empty: nowhere
  bool resume = false;        ///< goes on with the journal that is there
  std::string identity = {};  ///< the journal's
};

/// Removes the journal: to be called once the report of a complete run is safely written, or a run begins
/// anew.
void discard(const BenchFiles& files);

struct BenchOptions {
  uint64_t seed = 1;
  std::vector<std::string> references = {"standard", "flash"};  ///< of ratios; those that are in the sweep
  double budget_seconds = 60;                                   ///< shared among the cells
  double spent_seconds = 0;                                     ///< of the budget, before bench() is called
  std::optional<double> peak_gflops = std::nullopt;  ///< what the budget is shared out by; else measured
  bool cold = false;                                 ///< caches are filled with other data before each sample
  std::vector<Warning> warnings = {};                ///< that are known beforehand
  BenchFiles files = {};
};

/// Runs the cells, those of one shape next to each other, each with its own number of threads. A cell that
/// does not fit the memory of `run`, that a mechanism cannot do or that fails is left out; the rest goes on.
/// After each shape the journal is written. What set-up and checks take beyond their part of the budget,
/// later shapes have less. A stop request ends it with what there is; the shape that it cuts short is not in
/// the journal. Throws Error(kMemory) if `cold` is wanted and its buffer does not fit, Error(kWrite), and the
/// errors of read_journal.
BenchResult bench(const std::vector<BenchCell>& cells, const Subject& subject, const BenchOptions& options,
                  Run& run);

}  // namespace linformer
