// SPDX-License-Identifier: MIT
// A bench from its plan to its files, for the commands that make one.
#pragma once

#include <nlohmann/json.hpp>

#include "bench_plan.h"

namespace linformer::cli {

struct BenchRun {
  BenchResult result;
  nlohmann::ordered_json report;
};

/// Measures and writes, with the places to itself until all is there.
BenchRun run_bench(const BenchCommand& command, const BenchPlan& plan, const ReportPlaces& places,
                   Session& session);

}  // namespace linformer::cli
