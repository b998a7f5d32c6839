// SPDX-License-Identifier: MIT
// Made results as reports, and these read back.
#pragma once

#include <nlohmann/json.hpp>

#include "accuracy/result.h"
#include "advise/result.h"
#include "bench/result.h"
#include "report/report_file.h"
#include "spectrum/result.h"

namespace linformer {

nlohmann::ordered_json made_report(const SpectrumResult& result);
nlohmann::ordered_json made_report(const BenchResult& result);
nlohmann::ordered_json made_report(const BatchFitResult& result);
nlohmann::ordered_json made_report(const AccuracyResult& result);
nlohmann::ordered_json made_report(const AdviceResult& result);

/// As a reader gets it, from a file made.json.
ReportFile reopened(const nlohmann::ordered_json& report);

}  // namespace linformer
