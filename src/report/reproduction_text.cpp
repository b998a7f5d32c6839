// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

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
  Table table{.title = "",
              .columns = {{"what", Align::kLeft},
                          {"published"},
                          {"here"},
                          {"ratio"},
                          {"why they differ", Align::kLeft}},
              .rows = {}};
  for (const ReproducedRow& row : reproduction.rows) {
    table.rows.push_back({row.what,
                          row.published ? fmt::format("{:.4g}", *row.published) : row.published_words,
                          here_cell(row), row.ratio() ? digits(*row.ratio()) : "", row.why});
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
