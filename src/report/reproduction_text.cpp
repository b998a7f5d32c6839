// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "report/numbers.h"
#include "report/reproduction.h"

namespace linformer {
namespace {

std::string digits(double value) { return fmt::format("{:.3g}", value); }

std::string here_cell(const ReproducedRow& row) {
  if (!row.here) return row.missing;
  if (!row.interval) return digits(*row.here);
  return fmt::format("{} ({}..{})", digits(*row.here), digits(row.interval->low), digits(row.interval->high));
}

std::string bullets(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += fmt::format("* {}\n", sentence);
  return text;
}

}  // namespace

Table reproduction_table(const Reproduction& reproduction) {
  const bool operations = std::ranges::any_of(
      reproduction.rows, [](const ReproducedRow& row) { return row.by_operations.has_value(); });
  Table table{
      .title = "", .columns = {{"what", Align::kLeft}, {"published"}, {"here"}, {"ratio"}}, .rows = {}};
  if (operations) table.columns.push_back({"by operations"});
  table.columns.push_back({"why they differ", Align::kLeft});
  const auto optional_digits = [](std::optional<double> value) { return value ? digits(*value) : ""; };
  for (const ReproducedRow& row : reproduction.rows) {
    std::vector<std::string>& cells = table.rows.emplace_back();
    cells = {row.what, row.published ? fmt::format("{:.4g}", *row.published) : row.published_words,
             here_cell(row), optional_digits(row.ratio())};
    if (operations) cells.push_back(optional_digits(row.by_operations));
    cells.push_back(row.why);
  }
  return table;
}

Table reproduction_long_table(const Reproduction& reproduction) {
  Table table{.title = "", .columns = {}, .rows = {}};
  for (const char* name : {"what", "published", "published_reason", "here", "low", "high", "here_reason",
                           "ratio", "by_operations", "why"})
    table.columns.push_back({name});
  const auto number = [](std::optional<double> value) { return value ? shortest(*value) : ""; };
  for (const ReproducedRow& row : reproduction.rows) {
    const auto& interval = row.interval;
    table.rows.push_back({row.what, number(row.published), row.published_words, number(row.here),
                          interval ? shortest(interval->low) : "", interval ? shortest(interval->high) : "",
                          row.missing, number(row.ratio()), number(row.by_operations), row.why});
  }
  return table;
}

std::string reproduction_text(const Reproduction& reproduction, bool markdown) {
  const Table table = reproduction_table(reproduction);
  return fmt::format("{}{}\n\nClaimed: {}\n\nFound here:\n\n{}\n{}\nHow far to trust it:\n\n{}",
                     markdown ? "# " : "", reproduction.title, reproduction.claim,
                     bullets(reproduction.findings), markdown ? markdown_table(table) : terminal_table(table),
                     bullets(reproduction.trust));
}

}  // namespace linformer
