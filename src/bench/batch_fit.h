// SPDX-License-Identifier: MIT
// How many sequences memory holds, by exact accounting that real calls verify.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/run.h"
#include "bench/result.h"
#include "bench/workload.h"

namespace linformer {

struct BatchFitOptions {
  int64_t limit_bytes = 0;                                      ///< that a batch must fit
  std::vector<std::string> references = {"standard", "flash"};  ///< of ratios
  double budget_seconds = 60;                                   ///< shared among the calls that verify
  std::optional<double> peak_gflops = std::nullopt;             ///< what that is shared out by; else measured
};

/// For each cell, whose batch counts as 1: what one sequence takes, what each one more, and how many fit the
/// limit, whatever the memory of `run`. Then, as the memory of `run` and the budget allow, the cells are
/// called with one sequence and with two, and what they took is noted. A stop request ends that.
BatchFitResult fit_batches(const std::vector<BenchCell>& cells, const Subject& subject,
                           const BatchFitOptions& options, Run& run);

}  // namespace linformer
