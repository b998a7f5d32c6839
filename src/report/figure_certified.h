// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "report/figure_spectrum.h"

namespace linformer {

/// Of spectra that were found without P, "PREFIX-energy": the share of Σσ² in the first m values against m, a
/// line a length, with the mean over heads of the ends of the intervals. None without such spectra.
std::vector<Figure> certified_figures(const SpectrumFile& spectrum, const std::string& prefix);

}  // namespace linformer
