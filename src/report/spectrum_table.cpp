// SPDX-License-Identifier: MIT
#include "report/spectrum_table.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "report/headline.h"
#include "report/numbers.h"
#include "report/spectrum_view.h"

namespace linformer {
namespace {

constexpr const char* kMatched = "matched";

using Cell = std::function<std::string(std::optional<size_t> layer)>;  // nothing: the model

// A table that is built column by column.
struct ColumnTable {
  const SpectrumResult& result;
  Table table;

  void add(std::string name, const Cell& cell, Align align = Align::kRight) {
    table.columns.push_back({std::move(name), align});
    for (size_t i = 0; i < result.layers.size(); ++i) table.rows[i].push_back(cell(i));
    table.rows.back().push_back(cell(std::nullopt));
  }
};

const StatisticsOf& part(const SeriesResult& series, std::optional<size_t> layer) {
  return layer ? series.layers[*layer] : series.model;
}

const Summary& part(const Comparison& comparison, std::optional<size_t> layer) {
  return layer ? comparison.layers[*layer] : comparison.model;
}

std::string plus_minus(const std::string& mean, const std::optional<Interval>& interval, int decimals) {
  if (!interval) return mean;
  return fmt::format("{} ± {}", mean, fixed((interval->high - interval->low) / 2, decimals));
}

// "128" or "25%".
std::string at_name(const SpectrumResult& result) {
  return result.equal_length ? fmt::format("{}", result.at) : fmt::format("{:.3g}%", 100 * result.at_share);
}

std::string short_verdict(Verdict verdict) {
  return verdict == Verdict::kTooFewUnits ? "too few" : std::string(verdict_name(verdict));
}

void add_matched(ColumnTable& columns, const SeriesResult* matched, const Comparison* comparison, size_t at) {
  if (matched != nullptr)
    columns.add("matched", [&](auto layer) { return fixed(part(*matched, layer).statistics[at].mean, 3); });
  if (comparison == nullptr) return;
  columns.add("difference", [&](auto layer) {
    const Summary& difference = part(*comparison, layer);
    return plus_minus(signed_fixed(difference.mean, 4), difference.interval, 4);
  });
  columns.add(
      "verdict",
      [&](auto layer) { return layer ? short_verdict(comparison->verdicts[*layer]) : std::string(); },
      Align::kLeft);
}

// One column each for the controls beside `matched`.
void add_others(ColumnTable& columns) {
  for (const Comparison& comparison : columns.result.comparisons) {
    if (comparison.control == kMatched) continue;
    columns.add("vs " + comparison.control, [&](auto layer) {
      const Summary& difference = part(comparison, layer);
      return plus_minus(signed_fixed(difference.mean, 4), difference.interval, 4);
    });
  }
}

// Rounded up, so that each k suffices.
std::string quantiles(const Summary& summary) {
  return fmt::format("{}/{}/{}", fixed(std::ceil(summary.median), 0), fixed(std::ceil(summary.p95), 0),
                     fixed(std::ceil(summary.max), 0));
}

void add_mean(ColumnTable& columns, const SeriesResult& series, std::string_view prefix, std::string name,
              int decimals) {
  const auto index = find_statistic(columns.result, prefix);
  if (!index) return;
  columns.add(std::move(name),
              [&](auto layer) { return fixed(part(series, layer).statistics[*index].mean, decimals); });
}

// One row of the long table.
struct LongRow {
  std::string series, layer, head, statistic, verdict;
};

void add_row(Table& table, const LongRow& row, const Summary& summary) {
  const auto& interval = summary.interval;
  table.rows.push_back({row.series, row.layer, row.head, row.statistic, shortest(summary.mean),
                        interval ? shortest(interval->low) : "", interval ? shortest(interval->high) : "",
                        shortest(summary.median), shortest(summary.p95), shortest(summary.max), row.verdict});
}

void add_statistics(Table& table, const SpectrumResult& result, LongRow row, const StatisticsOf& of) {
  for (size_t i = 0; i < of.statistics.size(); ++i) {
    row.statistic = result.statistics[i];
    add_row(table, row, of.statistics[i]);
  }
}

void add_series(Table& table, const SpectrumResult& result, const SeriesResult& series, LongRows rows) {
  LongRow row{.series = series.name, .layer = "", .head = "", .statistic = "", .verdict = ""};
  add_statistics(table, result, row, series.model);
  for (size_t i = 0; i < series.layers.size(); ++i) {
    row.layer = std::to_string(result.layers[i]);
    row.head.clear();
    add_statistics(table, result, row, series.layers[i]);
    if (rows == LongRows::kLayers || series.heads.empty()) continue;
    for (size_t j = 0; j < series.heads[i].size(); ++j) {
      row.head = std::to_string(result.heads[j]);
      add_statistics(table, result, row, series.heads[i][j]);
    }
  }
}

void add_comparison(Table& table, const SpectrumResult& result, const Comparison& comparison, LongRows rows) {
  const auto at = find_statistic(result, "cumulative_at");
  LongRow row{.series = "probabilities - " + comparison.control,
              .layer = "",
              .head = "",
              .statistic = at ? result.statistics[*at] : "",
              .verdict = ""};
  add_row(table, row, comparison.model);
  for (size_t i = 0; i < comparison.layers.size(); ++i) {
    row.layer = std::to_string(result.layers[i]);
    row.head.clear();
    row.verdict = verdict_name(comparison.verdicts[i]);
    add_row(table, row, comparison.layers[i]);
    row.verdict.clear();
    if (rows == LongRows::kLayers || comparison.heads.empty()) continue;
    for (size_t j = 0; j < comparison.heads[i].size(); ++j) {
      row.head = std::to_string(result.heads[j]);
      add_row(table, row, comparison.heads[i][j]);
    }
  }
}

}  // namespace

Table layer_table(const SpectrumResult& result) {
  check_shape(result);
  ColumnTable columns{result, {}};
  columns.table.rows.resize(result.layers.size() + 1);
  columns.add("layer", [&](auto layer) { return layer ? std::to_string(result.layers[*layer]) : "all"; });
  const SeriesResult* series = find_series(result, "probabilities");
  const auto at = find_statistic(result, "cumulative_at");
  if (series == nullptr) return columns.table;
  const std::string m = at_name(result);
  if (at) {
    columns.table.title =
        fmt::format("c_{}: share of Σσ in {}; ± half the {} interval; k90 σ: median/p95/max", m,
                    first_values(result), confidence_text(result));
    columns.add("c_" + m, [&](auto layer) {
      const Summary& summary = part(*series, layer).statistics[*at];
      return plus_minus(fixed(summary.mean, 3), summary.interval, 3);
    });
    add_matched(columns, find_series(result, kMatched), find_comparison(result, kMatched), *at);
    add_others(columns);
  }
  if (const auto k = find_statistic(result, "k90_sigma"))
    columns.add("k90 σ", [&](auto layer) { return quantiles(part(*series, layer).statistics[*k]); });
  add_mean(columns, *series, "energy_at", "e_" + m, 3);
  add_mean(columns, *series, "effective_rank", "eff. rank", 1);
  add_mean(columns, *series, "row_entropy", "entropy", 2);
  return columns.table;
}

Table long_table(const SpectrumResult& result, LongRows rows) {
  check_shape(result);
  Table table;
  for (const char* name : {"series", "layer", "head", "statistic"})
    table.columns.push_back({name, Align::kLeft});
  for (const char* name : {"mean", "low", "high", "median", "p95", "max"}) table.columns.push_back({name});
  table.columns.push_back({"verdict", Align::kLeft});
  for (const SeriesResult& series : result.series) add_series(table, result, series, rows);
  for (const Comparison& comparison : result.comparisons) add_comparison(table, result, comparison, rows);
  return table;
}

HeatMap spectrum_heat_map(const SpectrumResult& result) {
  check_shape(result);
  HeatMap map{.title = "",
              .row_name = "layer",
              .column_name = "head",
              .value_name = "c_" + at_name(result),
              .rows = {},
              .columns = {},
              .values = {}};
  const SeriesResult* series = find_series(result, "probabilities");
  const auto at = find_statistic(result, "cumulative_at");
  if (series == nullptr || !at || series->heads.empty()) return map;
  map.title = fmt::format("Share of Σσ in {}, by layer and head", first_values(result));
  map.rows = result.layers;
  map.columns = result.heads;
  for (const auto& layer : series->heads) {
    auto& row = map.values.emplace_back(result.heads.size(), std::numeric_limits<double>::quiet_NaN());
    for (size_t j = 0; j < layer.size(); ++j) row[j] = layer[j].statistics[*at].mean;
  }
  return map;
}

}  // namespace linformer
