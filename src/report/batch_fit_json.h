// SPDX-License-Identifier: MIT
// The report linformer/batch-fit/1; its schema is schemas/batch-fit-1.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "bench/result.h"
#include "report/envelope.h"

namespace linformer {

inline constexpr const char* kBatchFitSchema = "linformer/batch-fit/1";

/// The whole report. `method`, `identity`: as of bench_report(). context.schema is set to kBatchFitSchema.
nlohmann::ordered_json batch_fit_report(const ReportContext& context, const nlohmann::ordered_json& method,
                                        const std::string& identity, const BatchFitResult& result);

/// One cell, as the report has it.
nlohmann::ordered_json batch_fit_cell_json(const BatchFit& fit, Level level);

/// Whether what was measured is what was predicted.
bool passed(const BatchFitResult& result);

}  // namespace linformer
