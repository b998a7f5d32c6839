// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "report/figure_spectrum.h"

namespace linformer {

/// "PREFIX-heat-map": a mean over sequences of every layer and head (the paper's Figure 1, right), and beside
/// it its difference to the matched control, if there is one. Cells of up to 16 heads bear their numbers, so
/// that print in black loses nothing.
Figure heat_map_figure(const SpectrumFile& spectrum, const std::string& prefix);

}  // namespace linformer
