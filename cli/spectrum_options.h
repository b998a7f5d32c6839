// SPDX-License-Identifier: MIT
// The options of analyze-spectrum.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "input_options.h"
#include "options.h"
#include "report_places.h"
#include "spectrum/analysis.h"
#include "spectrum/certified.h"

namespace linformer::cli {

inline constexpr std::string_view kMatrixFree = "matrix-free";
inline constexpr const char* kMapsOption = "--attention-maps";

struct SpectrumOptions {
  CommonOptions common;
  InputOptions input;
  Selection selection;
  AnalysisOptions analysis{.method = "auto"};
  std::vector<std::string> at;
  std::vector<std::string> controls = {kMatchedControl};
  int64_t init_seeds = 3;
  bool no_centred = false;
  std::string spectra;
  std::optional<int64_t> attention_maps;  ///< a sequence
  ResumeOptions resume;
  CertifiedOptions certified;  ///< of --method matrix-free
  std::string lengths;         ///< empty: that of --length
  bool made_for_p = false;     ///< an option was given that needs P
};

void add_spectrum_options(CLI::App& app, SpectrumOptions& options);

/// To be called when `app` has been parsed: decides for --method matrix-free where the options it alone has
/// are given. Throws Error(kUsage) for options that do not go together.
void settle_options(const CLI::App& app, SpectrumOptions& options);

/// For an analysis of P.
AnalysisOptions analysis_options(const SpectrumOptions& options);

}  // namespace linformer::cli
