// SPDX-License-Identifier: MIT
// Times the cells of a sweep: each is checked, then all of one shape are sampled in turn, in random order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "attention/mechanism.h"
#include "base/run.h"
#include "bench/result.h"

namespace linformer {

struct BenchOptions {
  float score_deviation = 1;  ///< of s q·k
  uint64_t seed = 1;
  std::vector<std::string> references = {"standard", "flash"};  ///< of ratios; those that are in the sweep
  double budget_seconds = 60;                                   ///< shared among the cells
  bool cold = false;  ///< caches are filled with other data before each sample
  /// Makes the mechanism of a cell; tests have others made.
  std::function<std::unique_ptr<Mechanism>(const std::string&)> make = [](const std::string& canonical) {
    return make_mechanism(canonical);
  };
};

/// What a cell will take, before it is run.
struct CellPrediction {
  double flops = 0;          ///< of one call
  int64_t tensor_bytes = 0;  ///< Q, K, V, O
  int64_t workspace_bytes = 0, parameter_bytes = 0;
};
CellPrediction predict(const BenchCell& cell, int threads);

/// Runs the cells, those of one shape next to each other. Cells that do not fit the memory of `run` or that a
/// mechanism cannot do are left out; the rest goes on. A stop request ends it with what there is. Throws
/// Error(kMemory) if `cold` is wanted and its buffer does not fit.
BenchResult bench(const std::vector<BenchCell>& cells, const BenchOptions& options, Run& run);

}  // namespace linformer
