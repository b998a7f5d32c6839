// SPDX-License-Identifier: MIT
// analyze-spectrum --method matrix-free.
#pragma once

#include "options.h"
#include "report_places.h"
#include "spectrum/analysis.h"
#include "spectrum_options.h"

namespace linformer::cli {

/// Whether P of one sequence is more than --memory allows, no option needs P, and the source can do without.
bool should_do_without_p(const SpectrumOptions& options, const SourceFacts& facts, int64_t required_bytes,
                         const Session& session);

/// Analyses, writes and shows. Returns the exit code.
int analyze_without_p(const SpectrumOptions& options, const ReportPlaces& places, Session& session);

}  // namespace linformer::cli
