// SPDX-License-Identifier: MIT
#include "report/heat_map.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <sstream>

#include "catch.h"
#include "report/table.h"

using namespace linformer;

namespace {

HeatMap made_map() {
  return {.title = "A map",
          .row_name = "layer",
          .column_name = "head",
          .value_name = "c_128",
          .rows = {0, 11},
          .columns = {0, 5},
          .values = {{0.5, 0.599}, {1.0, std::numeric_limits<double>::quiet_NaN()}}};
}

HeatMap wide_map(size_t columns) {
  HeatMap map = made_map();
  map.columns.resize(columns);
  std::iota(map.columns.begin(), map.columns.end(), 0);
  map.values.assign(2, std::vector<double>(columns, 0.5));
  for (size_t j = 0; j < columns; j += 2) map.values[1][j] = 1.0;
  return map;
}

int widest_line(const std::string& text) {
  int widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

}  // namespace

TEST_CASE("a plain heat map shows percentages rounded down, shades and a legend") {
  CHECK(heat_map(made_map(), {.color = false, .width = 80}) ==
        "A map\n"
        "layer   0    5\n"
        "    0  50·  59·\n"
        "   11 100█    -\n"
        "c_128 in %: 50 · 60 ░ 70 ▒ 80 ▓ 90 █ 100\n");
}

TEST_CASE("a coloured heat map puts dark text on light cells and light text on dark ones") {
  const std::string text = heat_map(made_map(), {.color = true, .width = 80});
  CHECK(text.starts_with("A map\nlayer   0    5\n    0 \x1b[38;5;231;48;5;53m  50 \x1b[0m"));
  CHECK(text.find("   11 \x1b[38;5;16;48;5;226m 100 \x1b[0m   -\n") != std::string::npos);
  CHECK(text.find("c_128 in %: 50 \x1b[") != std::string::npos);
  CHECK(text.ends_with("\x1b[0m 100\n"));
}

TEST_CASE("many columns are shades alone, and too many are averaged, within the width") {
  const std::string shades = heat_map(wide_map(40), {.color = false, .width = 60});
  CHECK(shades.find("layer 0         10        20        30\n") != std::string::npos);
  CHECK(shades.find("   11 █·█·█·") != std::string::npos);
  CHECK(widest_line(shades) <= 60);

  const std::string means = heat_map(wide_map(128), {.color = false, .width = 80});
  CHECK(means.find("   11 ▒▒▒▒") != std::string::npos);
  CHECK(means.find("; a cell is the mean of 2 heads\n") != std::string::npos);
  CHECK(widest_line(means) <= 80);
}

TEST_CASE("a heat map of equal, unknown or no values is drawn") {
  HeatMap map = made_map();
  map.values = {{1, 1}, {1, 1}};
  CHECK(heat_map(map, {}).ends_with("100█ 100█\nc_128 in %: 95 · 96 ░ 97 ▒ 98 ▓ 99 █ 100\n"));
  map.values = {{0.5, 0.5}, {0.5, 0.5}};
  CHECK(heat_map(map, {}).find("0  50·  50·\n") != std::string::npos);
  map.values.assign(2, std::vector<double>(2, std::numeric_limits<double>::quiet_NaN()));
  CHECK(heat_map(map, {}).find("0    -    -\n") != std::string::npos);
  map.rows.clear();
  map.columns.clear();
  map.values.clear();
  CHECK(heat_map(map, {}).starts_with("A map\nlayer"));
}
