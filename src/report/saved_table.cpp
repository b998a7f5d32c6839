// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "report/bench_view.h"
#include "report/figure_bench.h"

namespace linformer {
namespace {

constexpr const char* kCannotBe = "-";

// As the paper writes them: two digits, and no decimals from 10 on.
std::string factor(double value) {
  return value < 9.95 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

std::string time_saved(const CellResult& cell, const std::string& reference) {
  if (cell.state == CellState::kUnsupported) return kCannotBe;
  const Ratio* const ratio = ratio_to(cell, reference);
  return ratio == nullptr ? "" : factor(ratio->ratio);
}

// Of cells that did not fit too: their memory is known.
std::string memory_saved(const CellResult& cell, const CellResult* reference) {
  if (cell.state == CellState::kUnsupported) return kCannotBe;
  if (reference == nullptr || reference->bytes() == 0 || cell.bytes() == 0) return "";
  return factor(static_cast<double>(reference->bytes()) / static_cast<double>(cell.bytes()));
}

template <class Saved>
Table saved_table(const CellGroup& group, const std::string& reference, const std::string& title,
                  const Saved& saved) {
  const std::vector<std::string> mechanisms = group.mechanisms(), names = short_names(mechanisms);
  Table table{.title = title, .columns = {{"n"}}, .rows = {}};
  for (size_t i = 0; i < mechanisms.size(); ++i)
    if (mechanisms[i] != reference) table.columns.push_back({names[i]});
  for (const int64_t length : group.lengths()) {
    std::vector<std::string> row = {std::to_string(length)};
    for (const std::string& mechanism : mechanisms) {
      if (mechanism == reference) continue;
      const CellResult* const cell = group.find(mechanism, length);
      row.push_back(cell == nullptr ? "" : saved(*cell));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::vector<Table> saved_tables(const BenchResult& result) {
  std::vector<Table> tables;
  for (const CellGroup& group : groups_of(result)) {
    for (const std::string& reference : references_of(group.cells)) {
      const std::string of =
          fmt::format("against {} ({}, {}), times", reference, result.subject, group.sizes());
      tables.push_back(saved_table(group, reference, "Time saved " + of,
                                   [&](const CellResult& cell) { return time_saved(cell, reference); }));
      tables.push_back(saved_table(group, reference, "Memory saved " + of, [&](const CellResult& cell) {
        return memory_saved(cell, group.find(reference, cell.cell.length));
      }));
    }
  }
  return tables;
}

}  // namespace linformer
