// SPDX-License-Identifier: MIT
// Made results as reports, and these read back.
#pragma once

#include <nlohmann/json.hpp>

#include "bench/result.h"
#include "report/report_file.h"
#include "spectrum/result.h"

namespace linformer {

nlohmann::ordered_json made_report(const SpectrumResult& result);
nlohmann::ordered_json made_report(const BenchResult& result);

/// As a reader gets it, from a file made.json.
ReportFile reopened(const nlohmann::ordered_json& report);

}  // namespace linformer
