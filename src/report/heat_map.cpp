// SPDX-License-Identifier: MIT
#include "report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "report/table.h"

namespace linformer {
namespace {

// From dark violet to yellow through blue and green, as viridis does, with rising lightness: indices into the
// 6 x 6 x 6 cube of xterm's 256 colours.
constexpr std::array kColors = {53, 54, 55, 24, 60, 61, 31, 66, 36, 72, 78, 113, 148, 184, 220, 226};
constexpr size_t kFirstLightColor = 8;  // from here on black text reads better than white
constexpr std::array<const char*, 5> kShades = {"·", "░", "▒", "▓", "█"};

struct Scale {
  double low = 0, high = 1;

  // Which of `steps` equal parts the value lies in.
  size_t step(double value, size_t steps) const {
    const double part = (value - low) / (high - low) * static_cast<double>(steps);
    return static_cast<size_t>(std::clamp(part, 0.0, static_cast<double>(steps) - 1));
  }
};

// 0.3 is 29.999999999999996 % without the allowance.
int percent(double value) { return static_cast<int>(std::floor(100 * value + 1e-9)); }

Scale scale_of(const HeatMap& map) {
  constexpr double kGrid = 20;  // multiples of 5 %
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const auto& row : map.values) {
    for (const double value : row) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) return {};
  low = std::floor(low * kGrid + 1e-9) / kGrid;
  high = std::ceil(high * kGrid - 1e-9) / kGrid;
  if (low < high) return {low, high};
  return low < 1 ? Scale{low, low + 1 / kGrid} : Scale{1 - 1 / kGrid, 1};
}

// How many columns of the map share a cell, and how wide a cell is.
struct Cells {
  int width = 1;
  size_t group = 1;
};

constexpr int kNumberCell = 5;  // " 93▓ "
constexpr int kShadeCell = 1;

Cells choose_cells(size_t columns, int available) {
  const auto room = static_cast<size_t>(std::max(available, 1));
  if (columns * kNumberCell <= room) return {kNumberCell, 1};
  return {kShadeCell, std::max<size_t>(1, (columns + room - 1) / room)};
}

double group_mean(const std::vector<double>& row, size_t first, size_t count) {
  double sum = 0;
  const size_t last = std::min(row.size(), first + count);
  for (size_t i = first; i < last; ++i) sum += row[i];
  return sum / static_cast<double>(last - first);
}

std::string on_color(size_t step, const std::string& text) {
  return fmt::format("\x1b[38;5;{};48;5;{}m{}\x1b[0m", step < kFirstLightColor ? 231 : 16, kColors[step],
                     text);
}

std::string cell(double value, const Scale& scale, int width, bool color) {
  const bool number = width == kNumberCell;
  if (!std::isfinite(value)) return number ? "   - " : "-";
  if (color) {
    return on_color(scale.step(value, kColors.size()),
                    number ? fmt::format("{:>4} ", percent(value)) : std::string(" "));
  }
  const char* shade = kShades[scale.step(value, kShades.size())];
  return number ? fmt::format("{:>3}{} ", percent(value), shade) : shade;
}

// Labels over the cells: each where there is room, else each that is ten cells from the last.
std::string column_labels(const HeatMap& map, const Cells& cells) {
  std::string line;
  const size_t count = (map.columns.size() + cells.group - 1) / cells.group;
  const size_t every = cells.width == kNumberCell ? 1 : 10;
  for (size_t i = 0; i < count; i += every) {
    const std::string label = std::to_string(map.columns[i * cells.group]);
    line +=
        cells.width == kNumberCell ? padded(label, 3, Align::kRight) + "  " : padded(label, 10, Align::kLeft);
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string legend(const HeatMap& map, const Scale& scale, const Cells& cells, bool color) {
  std::string text = fmt::format("{} in %: ", map.value_name);
  const auto percent_of = [](double share) { return fmt::format("{:.3g}", 100 * share); };
  if (color) {
    text += percent_of(scale.low) + " ";
    for (size_t i = 0; i < kColors.size(); ++i) text += on_color(i, " ");
    text += " " + percent_of(scale.high);
  } else {
    for (size_t i = 0; i < kShades.size(); ++i) {
      const double share = static_cast<double>(i) / kShades.size();
      text += percent_of(scale.low + share * (scale.high - scale.low)) + " " + kShades[i] + " ";
    }
    text += percent_of(scale.high);
  }
  if (cells.group > 1) text += fmt::format("; a cell is the mean of {} {}s", cells.group, map.column_name);
  return text;
}

}  // namespace

std::string heat_map(const HeatMap& map, const HeatMapStyle& style) {
  int label_width = display_width(map.row_name);
  for (const int64_t row : map.rows) label_width = std::max(label_width, display_width(std::to_string(row)));
  const Cells cells = choose_cells(map.columns.size(), style.width - label_width - 1);
  const Scale scale = scale_of(map);

  std::string text = map.title.empty() ? "" : map.title + "\n";
  text += padded(map.row_name, label_width, Align::kRight) + " " + column_labels(map, cells) + "\n";
  for (size_t i = 0; i < map.rows.size(); ++i) {
    std::string line = padded(std::to_string(map.rows[i]), label_width, Align::kRight) + " ";
    for (size_t j = 0; j < map.columns.size(); j += cells.group)
      line += cell(group_mean(map.values.at(i), j, cells.group), scale, cells.width, style.color);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text + legend(map, scale, cells, style.color) + "\n";
}

}  // namespace linformer
