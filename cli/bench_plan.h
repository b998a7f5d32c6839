// SPDX-License-Identifier: MIT
// What a bench is about to measure, and the three ways to go on from there beside measuring times.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bench.h"
#include "bench_options.h"
#include "bench_subject.h"
#include "report_places.h"

namespace linformer::cli {

struct BenchPlan {
  OpenSubject subject;
  std::vector<BenchCell> cells = {};
  std::vector<int> threads = {};             ///< that are swept
  std::vector<std::string> references = {};  ///< canonical
};

/// For session.context(): whether any mechanism computes by LAPACK.
bool uses_lapack(const BenchPlan& plan);

/// Every choice that changes a number.
nlohmann::ordered_json bench_method(const BenchCommand& command, const BenchOptions& options,
                                    const BenchPlan& plan, const Session& session);

/// Equal for runs whose numbers mean the same.
std::string bench_identity(std::string_view schema, const nlohmann::ordered_json& method,
                           const std::vector<BenchCell>& cells);

void note_warnings(const std::vector<Warning>& warnings, const Session& session);

/// --list: prints the cells with predicted time and memory. Returns the exit code.
int list_cells(const BenchPlan& plan, Session& session);

/// --fit-batch: how many sequences memory holds. Returns the exit code.
int fit_batches(const BenchCommand& command, const BenchPlan& plan, const ReportPlaces& places,
                Session& session);

}  // namespace linformer::cli
