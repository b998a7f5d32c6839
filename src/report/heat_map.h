// SPDX-License-Identifier: MIT
// A matrix of shares in [0, 1] as coloured or shaded text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace linformer {

struct HeatMap {
  std::string title;
  std::string row_name, column_name;        ///< e.g. "layer", "head"
  std::string value_name;                   ///< for the legend, e.g. "c_128"
  std::vector<int64_t> rows, columns;       ///< labels
  std::vector<std::vector<double>> values;  ///< [row][column]; not finite: not known
};

struct HeatMapStyle {
  bool color = false;  ///< 256-colour backgrounds; else shade characters beside the numbers
  int width = 100;     ///< display columns to stay within, where that is possible
};

/// The title, a line of column labels, a line a row, and a legend. The scale spans the values, widened to
/// whole multiples of 5 %. A cell is a percentage, rounded down, and its shade; where that is too wide the
/// shade alone; where even that is too wide the mean of some neighbouring columns, as the legend then says.
std::string heat_map(const HeatMap& map, const HeatMapStyle& style);

}  // namespace linformer
