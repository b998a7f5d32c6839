// SPDX-License-Identifier: MIT
// A bench and its report, for the commands that make one.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "bench/result.h"
#include "bench_options.h"
#include "bench_subject.h"
#include "options.h"

namespace linformer::cli {

struct BenchRun {
  BenchResult result;
  nlohmann::ordered_json report;
};

/// Times the cells, whose numbers of threads are `threads`.
BenchRun run_bench(const BenchCommand& command, const std::vector<BenchCell>& cells,
                   const BenchOptions& options, const OpenSubject& subject, const std::vector<int>& threads,
                   Session& session);

}  // namespace linformer::cli
