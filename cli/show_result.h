// SPDX-License-Identifier: MIT
// What stdout shows of a result, be it just made or read back.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "accuracy/result.h"
#include "advise/result.h"
#include "bench/result.h"
#include "options.h"
#include "report/reproduction.h"
#include "spectrum/result.h"

namespace linformer::cli {

/// By --format; `report` is the whole report, `preface` comes before the table for people.
void show_spectrum(const SpectrumResult& result, const nlohmann::ordered_json& report,
                   const std::string& preface, const Session& session);
void show_bench(const BenchResult& result, const nlohmann::ordered_json& report, const std::string& preface,
                const Session& session);
void show_batch_fit(const BatchFitResult& result, const nlohmann::ordered_json& report,
                    const std::string& preface, const Session& session);
void show_accuracy(const AccuracyResult& result, const nlohmann::ordered_json& report,
                   const std::string& preface, const Session& session);
void show_advice(const AdviceResult& result, const nlohmann::ordered_json& report, const std::string& preface,
                 const Session& session);
void show_reproduction(const Reproduction& result, const nlohmann::ordered_json& report,
                       const Session& session);

}  // namespace linformer::cli
