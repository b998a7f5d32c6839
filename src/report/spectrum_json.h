// SPDX-License-Identifier: MIT
// The report linformer/spectrum/1; its schema is schemas/spectrum-1.schema.json.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/envelope.h"
#include "spectrum/result.h"

namespace linformer {

inline constexpr const char* kSpectrumSchema = "linformer/spectrum/1";

/// What the caller knows and the result does not.
struct SpectrumReportInput {
  nlohmann::ordered_json input;           ///< an object: checkpoint, family, texts, documents, tokens ...
  std::string identity;                   ///< hex; equal for runs whose results may be compared and joined
  nlohmann::ordered_json method;          ///< an object: every choice that changes a number, with tolerances
  std::optional<std::string> curves_csv;  ///< file names, if they were written
  std::optional<std::string> spectra;
};

/// The member `results`: the same bytes for split, resumed and uninterrupted runs, so without times, threads
/// or memory. Throws Error(kInternal) if the result's lists do not fit each other.
nlohmann::ordered_json spectrum_results(const SpectrumResult& result);

/// The whole report. context.schema is set to kSpectrumSchema. Throws as spectrum_results does.
nlohmann::ordered_json spectrum_report(const ReportContext& context, const SpectrumReportInput& input,
                                       const SpectrumResult& result);

}  // namespace linformer
