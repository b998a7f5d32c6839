// SPDX-License-Identifier: MIT
#include "report/table.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace linformer {
namespace {

struct Range {
  uint32_t first, last;
};

constexpr std::array kNoWidth = {Range{0x0300, 0x036f}, Range{0x200b, 0x200f}, Range{0x20d0, 0x20ff},
                                 Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f}};
constexpr std::array kDoubleWidth = {Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},  Range{0x3041, 0xa4cf},
                                     Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},  Range{0xfe30, 0xfe6f},
                                     Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},  Range{0x1f300, 0x1f64f},
                                     Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd}};

template <size_t N>
bool within(const std::array<Range, N>& ranges, uint32_t point) {
  return std::ranges::any_of(ranges, [&](Range r) { return r.first <= point && point <= r.last; });
}

// Takes the code point at the front of `text` away; a byte that begins none is taken alone.
uint32_t take_code_point(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
  uint32_t point = length == 1 ? lead : lead & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (i >= text.size() || (byte(i) & 0xc0) != 0x80) {
      text.remove_prefix(1);
      return 0xfffd;
    }
    point = (point << 6) | (byte(i) & 0x3fu);
  }
  text.remove_prefix(length);
  return point;
}

std::vector<int> column_widths(const Table& table) {
  std::vector<int> widths;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    int width = display_width(table.columns[i].name);
    for (const auto& row : table.rows) width = std::max(width, display_width(row.at(i)));
    widths.push_back(width);
  }
  return widths;
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string markdown_cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|' || c == '\\') cell += '\\';
    cell += c == '\n' || c == '\r' ? ' ' : c;
  }
  return cell;
}

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const uint32_t point = take_code_point(text);
    width += within(kNoWidth, point) ? 0 : within(kDoubleWidth, point) ? 2 : 1;
  }
  return width;
}

std::string padded(std::string_view text, int width, Align align) {
  const std::string space(static_cast<size_t>(std::max(0, width - display_width(text))), ' ');
  return align == Align::kLeft ? std::string(text) + space : space + std::string(text);
}

std::string terminal_table(const Table& table) {
  const std::vector<int> widths = column_widths(table);
  std::string text;
  const auto add_line = [&](auto&& cell) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i)
      line += (i == 0 ? "" : "  ") + padded(cell(i), widths[i], table.columns[i].align);
    text += without_trailing_spaces(std::move(line)) + "\n";
  };
  if (!table.title.empty()) text += table.title + "\n";
  add_line([&](size_t i) { return table.columns[i].name; });
  add_line([&](size_t i) {
    std::string rule;
    for (int j = 0; j < widths[i]; ++j) rule += "─";
    return rule;
  });
  for (const auto& row : table.rows) add_line([&](size_t i) { return row.at(i); });
  return text;
}

std::string markdown_table(const Table& table) {
  std::string text;
  if (!table.title.empty()) text += "**" + markdown_cell(table.title) + "**\n\n";
  for (const Column& column : table.columns) text += "| " + markdown_cell(column.name) + " ";
  text += "|\n";
  for (const Column& column : table.columns) text += column.align == Align::kLeft ? "|---" : "|---:";
  text += "|\n";
  for (const auto& row : table.rows) {
    for (const std::string& cell : row) text += "| " + markdown_cell(cell) + " ";
    text += "|\n";
  }
  return text;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + "\"";
}

std::string csv_table(const Table& table) {
  std::string text;
  for (size_t i = 0; i < table.columns.size(); ++i)
    text += (i == 0 ? "" : ",") + csv_cell(table.columns[i].name);
  text += "\n";
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ",") + csv_cell(row[i]);
    text += "\n";
  }
  return text;
}

}  // namespace linformer
