// SPDX-License-Identifier: MIT
// The report linformer/accuracy/1; its schema is schemas/accuracy-1.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "accuracy/result.h"
#include "report/envelope.h"

namespace linformer {

inline constexpr const char* kAccuracySchema = "linformer/accuracy/1";

/// What the caller knows and the result does not.
struct AccuracyReportInput {
  nlohmann::ordered_json input;
  std::string identity;
  nlohmann::ordered_json method;
  std::string fitted = {};  ///< the file of fitted E and F; empty: not written
};

/// The member `results`: the same bytes for resumed and uninterrupted runs.
nlohmann::ordered_json accuracy_results(const AccuracyResult& result);

/// The whole report. context.schema is set to kAccuracySchema.
nlohmann::ordered_json accuracy_report(const ReportContext& context, const AccuracyReportInput& input,
                                       const AccuracyResult& result);

}  // namespace linformer
