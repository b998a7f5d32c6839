// SPDX-License-Identifier: MIT
// A table of strings, and the ways to write it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

enum class Align { kLeft, kRight };

struct Column {
  std::string name;
  Align align = Align::kRight;
};

/// Every row has as many cells as there are columns.
struct Table {
  std::string title;  ///< not written to CSV; may be empty
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

/// Columns two spaces apart, padded by display width, a rule under their names; lines end without spaces.
std::string terminal_table(const Table& table);
/// As GitHub reads it: the title in bold, `|` and `\` in cells escaped, line breaks as spaces.
std::string markdown_table(const Table& table);
/// RFC 4180 with a header line and "\n" line ends; a cell is quoted where it must be.
std::string csv_table(const Table& table);

/// One CSV cell.
std::string csv_cell(std::string_view text);

/// Columns that UTF-8 text takes on a terminal: combining marks none, East Asian wide characters and emoji
/// two, the rest one. Bytes that are not UTF-8 count as one each.
int display_width(std::string_view text);

/// `text` padded with spaces to `width` display columns; unchanged if it is wider.
std::string padded(std::string_view text, int width, Align align);

}  // namespace linformer
