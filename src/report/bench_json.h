// SPDX-License-Identifier: MIT
// The report linformer/bench/1; its schema is schemas/bench-1.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/result.h"
#include "report/envelope.h"

namespace linformer {

inline constexpr const char* kBenchSchema = "linformer/bench/1";

/// The whole report. `method`: every choice that changes a number; `identity`: hex, equal for runs whose
/// results may be compared. context.schema is set to kBenchSchema.
nlohmann::ordered_json bench_report(const ReportContext& context, const nlohmann::ordered_json& method,
                                    const std::string& identity, const BenchResult& result);

/// One cell, as the report has it.
nlohmann::ordered_json bench_cell_json(const CellResult& cell, Level level);

/// A list of {kind, text}.
nlohmann::ordered_json warnings_json(const std::vector<Warning>& warnings);

}  // namespace linformer
