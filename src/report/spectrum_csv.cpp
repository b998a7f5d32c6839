// SPDX-License-Identifier: MIT
#include "report/spectrum_csv.h"

#include <fmt/format.h>

#include "report/numbers.h"
#include "report/spectrum_view.h"
#include "report/table.h"

namespace linformer {
namespace {

std::vector<std::string> grid_texts(const std::vector<double>& grid) {
  std::vector<std::string> texts;
  texts.reserve(grid.size());
  for (const double m : grid) texts.push_back(shortest(m));
  return texts;
}

using Write = std::function<void(std::string_view)>;

// Rows of one curve. `of` is "layer,head,series".
void write_curve(const Write& write, const std::string& of, std::string_view statistic,
                 const std::vector<std::string>& grid, const std::vector<double>& values) {
  std::string rows;
  for (size_t i = 0; i < values.size(); ++i)
    rows += fmt::format("{},{},{},{}\n", of, statistic, grid[i], shortest(values[i]));
  if (!rows.empty()) write(rows);
}

void write_curves(const Write& write, const std::string& of, const std::vector<std::string>& grid,
                  const Curves& curves) {
  write_curve(write, of, "cumulative", grid, curves.cumulative);
  write_curve(write, of, "energy", grid, curves.energy);
}

}  // namespace

void write_curves_csv(const SpectrumResult& result, const std::function<void(std::string_view)>& write) {
  check_shape(result);
  const auto grid = grid_texts(result.grid), band_grid = grid_texts(result.band_grid);
  write(fmt::format("layer,head,series,statistic,{},value\n", result.equal_length ? "m" : "m_over_n"));
  for (const SeriesResult& series : result.series) {
    const std::string name = csv_cell(series.name);
    for (size_t i = 0; i < result.layers.size(); ++i) {
      const std::string layer = fmt::format("{},,{}", result.layers[i], name);
      if (!series.layer_curves.empty()) write_curves(write, layer, grid, series.layer_curves[i]);
      if (!series.layer_bands.empty()) {
        const Band& band = series.layer_bands[i];
        write_curve(write, layer, "cumulative_p5", band_grid, band.p5);
        write_curve(write, layer, "cumulative_p50", band_grid, band.p50);
        write_curve(write, layer, "cumulative_p95", band_grid, band.p95);
      }
      const size_t heads = series.head_curves.empty() ? 0 : series.head_curves[i].size();
      for (size_t j = 0; j < heads; ++j) {
        write_curves(write, fmt::format("{},{},{}", result.layers[i], result.heads[j], name), grid,
                     series.head_curves[i][j]);
      }
    }
  }
}

}  // namespace linformer
