// SPDX-License-Identifier: MIT
// A spectrum analysis from its options to its files, for the commands that make one.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "input.h"
#include "report_places.h"
#include "spectrum/analysis.h"
#include "spectrum_options.h"

namespace linformer::cli {

/// None if the controls do without. Throws as open_untrained().
Untrained open_untrained_models(const SpectrumOptions& options, const OpenInput& input, Session& session);

struct SpectrumRun {
  SpectrumResult result;
  nlohmann::ordered_json report;
};

/// Analyses and writes, with the places to itself until all is there.
SpectrumRun analyze(const SpectrumOptions& options, const ReportPlaces& places, const OpenInput& input,
                    Analysis& analysis, Untrained& untrained, Session& session);

}  // namespace linformer::cli
