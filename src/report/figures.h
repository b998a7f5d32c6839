// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/figure.h"
#include "report/report_file.h"

namespace linformer {

/// All figures of some reports, and what is written beside them under other names.
struct FigureSet {
  std::vector<Figure> figures;
  std::vector<std::pair<std::string, std::string>> texts;  ///< file name, content: tables of what is saved
  std::vector<std::string> left_out;                       ///< sentences: what could not be drawn, and why
};

/// Each figure's name begins with its report's; with "-2" and so on where names would be the same. Reads the
/// curves beside spectrum reports. Throws as the readers of the reports and read_curves_csv() do.
FigureSet figures_of(const std::vector<ReportFile>& files);

}  // namespace linformer
