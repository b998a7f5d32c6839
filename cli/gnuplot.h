// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "options.h"
#include "report/figure.h"

namespace linformer::cli {

/// Writes NAME.gp and NAME.dat of every figure into the folder, which is made if it is not there, and has
/// gnuplot draw them. False, with a message of what to install or of what failed, if there are no pictures
/// then. Throws Error(kWrite) where nothing can be written.
bool write_figures(const std::vector<Figure>& figures, const std::string& folder, const Session& session);

}  // namespace linformer::cli
