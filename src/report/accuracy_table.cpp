// SPDX-License-Identifier: MIT
#include "report/accuracy_table.h"

#include <fmt/format.h>

#include <optional>

#include "report/accuracy_view.h"
#include "report/numbers.h"

namespace linformer {
namespace {

std::string with_interval(const Summary& summary, int decimals) {
  const std::string mean = fixed(summary.mean, decimals);
  if (!summary.interval) return mean;
  return fmt::format("{} ± {}", mean, fixed((summary.interval->high - summary.interval->low) / 2, decimals));
}

std::string k_text(const AccuracyCell& cell) { return cell.k == 0 ? "" : std::to_string(cell.k); }

std::string optional_fixed(const std::optional<Summary>& summary, int decimals) {
  return summary ? fixed(summary->mean, decimals) : "";
}

// A row for each method, a column for each layer.
template <class Cell>
Table layer_table(const AccuracyResult& result, const char* title, Cell&& text) {
  Table table{.title = title, .columns = {{"layer", Align::kLeft}}, .rows = {}};
  for (const int64_t layer : result.layers) table.columns.push_back({std::to_string(layer)});
  for (const MethodCells& method : methods_of(result)) {
    const CellAccuracy& cell = nearest_to_quarter(method, result.length);
    std::vector<std::string>& row = table.rows.emplace_back();
    row.push_back(cell.cell.name);
    for (size_t i = 0; i < result.layers.size(); ++i) row.push_back(text(cell, i));
  }
  return table;
}

// Rows of one cell.
class LongRows {
 public:
  LongRows(Table& table, const AccuracyCell& cell) : table_(table), cell_(cell) {}

  void add(const std::string& series, const HeadAccuracy& of, std::optional<int64_t> layer = {},
           std::optional<int64_t> head = {}) {
    row(series, layer, head, "output_error", of.output_error);
    row(series, layer, head, "skill", of.skill);
    if (of.divergence) row(series, layer, head, "divergence_nats", *of.divergence);
  }
  void add(const std::string& series, const ModelAccuracy& of, std::optional<int64_t> layer = {}) {
    row(series, layer, {}, "hidden_error", of.hidden_error);
    if (of.loss_increase) row(series, layer, {}, "loss_increase_nats", *of.loss_increase);
    if (of.agreement) row(series, layer, {}, "agreement", *of.agreement);
  }

 private:
  void row(const std::string& series, std::optional<int64_t> layer, std::optional<int64_t> head,
           const char* statistic, const Summary& summary) {
    const auto number = [](std::optional<int64_t> i) { return i ? std::to_string(*i) : std::string(); };
    const auto& interval = summary.interval;
    table_.rows.push_back({cell_.name, cell_.method, k_text(cell_), cell_.kind, series, number(layer),
                           number(head), statistic, shortest(summary.mean),
                           interval ? shortest(interval->low) : "",
                           interval ? shortest(interval->high) : ""});
  }

  Table& table_;
  const AccuracyCell& cell_;
};

}  // namespace

std::string accuracy_preface(const AccuracyResult& result) {
  const std::string apart =
      result.calibration_documents > 0
          ? fmt::format("of {} other than those judged by", counted(result.calibration_documents, "document"))
          : "of the same document";
  std::string text =
      result.calibration_sequences == 0
          ? "learnt     nothing\n"
          : fmt::format("learnt     from {} {}\n", counted(result.calibration_sequences, "sequence"), apart);
  if (result.loss)
    text += fmt::format("loss       {} nats without replacement\n", with_interval(*result.loss, 4));
  if (!result.complete)
    text += fmt::format("incomplete {} of {} sequences\n", result.sequences, result.planned_sequences);
  return text;
}

Table accuracy_table(const AccuracyResult& result) {
  Table table{.title = "", .columns = {}, .rows = std::vector<std::vector<std::string>>(result.cells.size())};
  const auto add = [&](const char* name, const auto& text, Align align = Align::kRight) {
    table.columns.push_back({name, align});
    for (size_t i = 0; i < result.cells.size(); ++i) table.rows[i].push_back(text(result.cells[i]));
  };
  add(
      "replacement", [](const CellAccuracy& c) { return c.cell.method; }, Align::kLeft);
  add("k", [](const CellAccuracy& c) { return k_text(c.cell); });
  add(
      "kind", [](const CellAccuracy& c) { return c.cell.kind; }, Align::kLeft);
  add("output error", [](const CellAccuracy& c) { return with_interval(c.model.output_error, 3); });
  add("skill", [](const CellAccuracy& c) { return fixed(c.model.skill.mean, 3); });
  add("KL", [](const CellAccuracy& c) { return optional_fixed(c.model.divergence, 2); });
  if (result.cells.empty()) return table;
  const CellAccuracy& first = result.cells.front();
  if (first.untrained)
    add("untrained skill", [](const CellAccuracy& c) { return fixed(c.untrained->skill.mean, 3); });
  if (!first.all_replaced) return table;
  add("hidden error", [](const CellAccuracy& c) { return fixed(c.all_replaced->hidden_error.mean, 3); });
  if (!first.all_replaced->loss_increase) return table;
  add("loss +", [](const CellAccuracy& c) { return with_interval(*c.all_replaced->loss_increase, 3); });
  add("agree", [](const CellAccuracy& c) { return fixed(c.all_replaced->agreement->mean, 3); });
  return table;
}

std::vector<Table> accuracy_layer_tables(const AccuracyResult& result) {
  std::vector<Table> tables = {
      layer_table(result, "mean skill of a layer's heads",
                  [](const CellAccuracy& cell, size_t i) { return fixed(cell.layers[i].skill.mean, 3); })};
  if (result.cells.empty() || result.cells.front().one_replaced.empty()) return tables;
  tables.push_back(layer_table(
      result, "error of the last hidden states with that layer alone replaced",
      [](const CellAccuracy& cell, size_t i) { return fixed(cell.one_replaced[i].hidden_error.mean, 4); }));
  if (!result.loss) return tables;
  tables.push_back(layer_table(result, "loss + with that layer alone replaced, nats",
                               [](const CellAccuracy& cell, size_t i) {
                                 return signed_fixed(cell.one_replaced[i].loss_increase->mean, 4);
                               }));
  return tables;
}

Table accuracy_long_table(const AccuracyResult& result) {
  Table table{.title = "", .columns = {}, .rows = {}};
  for (const char* name :
       {"cell", "method", "k", "kind", "series", "layer", "head", "statistic", "mean", "low", "high"}) {
    table.columns.push_back({name});
  }
  for (const CellAccuracy& cell : result.cells) {
    LongRows rows(table, cell.cell);
    rows.add("model", cell.model);
    if (cell.untrained) rows.add("untrained", *cell.untrained);
    if (cell.all_replaced) rows.add("all", *cell.all_replaced);
    for (size_t i = 0; i < result.layers.size(); ++i) {
      rows.add("model", cell.layers[i], result.layers[i]);
      if (cell.untrained) rows.add("untrained", cell.untrained_layers[i], result.layers[i]);
      if (!cell.one_replaced.empty()) rows.add("alone", cell.one_replaced[i], result.layers[i]);
      for (size_t j = 0; j < result.heads.size(); ++j)
        rows.add("model", cell.heads[i][j], result.layers[i], result.heads[j]);
    }
  }
  return table;
}

}  // namespace linformer
