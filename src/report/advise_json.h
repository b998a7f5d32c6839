// SPDX-License-Identifier: MIT
// The report linformer/advise/1; its schema is schemas/advise-1.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "advise/result.h"
#include "report/envelope.h"

namespace linformer {

inline constexpr const char* kAdviseSchema = "linformer/advise/1";

/// What the caller knows and the result does not.
struct AdviseReportInput {
  nlohmann::ordered_json input;
  nlohmann::ordered_json method;
};

nlohmann::ordered_json advise_report(const ReportContext& context, const AdviseReportInput& input,
                                     const AdviceResult& result);

}  // namespace linformer
