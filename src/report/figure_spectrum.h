// SPDX-License-Identifier: MIT
// The pictures of a spectrum analysis; the paper's Figure 1 is `cumulative` and `heat-map`.
#pragma once

#include <vector>

#include "report/figure.h"
#include "report/report_file.h"
#include "spectrum/result.h"

namespace linformer {

/// A spectrum report and what is in it, with its curves if they are known.
struct SpectrumFile {
  ReportFile file;
  SpectrumResult result;
};

/// As model_headline.h has it.
std::string model_headline(const SpectrumFile& spectrum);

/// Named "PREFIX-cumulative" (curves of all layers, controls), "PREFIX-layers" (a panel a layer, with the
/// spread over sequences), "PREFIX-scree" (these three if there are curves, the last only at equal lengths),
/// "PREFIX-heat-map" (layers by heads at M, and the difference to the matched control) and "PREFIX-k90".
/// Every one shows the controls that there are. None of a run without sequences.
std::vector<Figure> spectrum_figures(const SpectrumFile& spectrum, const std::string& prefix);

/// "PREFIX-length": k at 90 % and its share of n over the lengths of several reports; nothing if fewer than
/// two have different lengths. A line a model.
std::vector<Figure> length_figures(const std::vector<SpectrumFile>& spectra, const std::string& prefix);

}  // namespace linformer
