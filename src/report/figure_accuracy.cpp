// SPDX-License-Identifier: MIT
#include "report/figure_accuracy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include "report/accuracy_view.h"
#include "report/model_headline.h"
#include "report/numbers.h"

namespace linformer {
namespace {

using Rows = std::vector<std::vector<double>>;
// Of a cell, or of a cell and the place of a layer; null where it was not measured.
using CellCost = std::function<const Summary*(const CellAccuracy&)>;
using LayerCost = std::function<const Summary*(const CellAccuracy&, size_t layer)>;

// What a figure is of.
struct Axis {
  std::string label;
  double factor = 1;            ///< 100: in %
  std::optional<double> least;  ///< what is below is cut off
  std::optional<double> most;
};

// Below the picture the key takes a line for each method.
double height_for(size_t methods) { return 2.9 + 0.17 * static_cast<double>(methods + 1); }

std::vector<MethodCells> drawn_methods(const AccuracyResult& result) {
  std::vector<MethodCells> methods = methods_of(result);
  std::erase_if(methods, [](const MethodCells& method) {
    const std::string& kind = method.cells.front()->cell.kind;
    return kind == "exact" || kind == "untrained";
  });
  return methods;
}

std::vector<double> row_of(double x, const Summary& summary, const Axis& axis) {
  const Interval range = summary.interval.value_or(Interval{summary.mean, summary.mean});
  return {x, axis.factor * summary.mean, axis.factor * range.low, axis.factor * range.high};
}

FigureWriter begin(const AccuracyFile& accuracy, const std::string& name, size_t lines, const std::string& x,
                   const Axis& axis) {
  const AccuracyResult& result = accuracy.result;
  FigureWriter figure(name, kColumnInches, height_for(lines),
                      model_headline(accuracy.file.root(), result.length, result.sequences));
  figure.axes(x, axis.label);
  figure.set("set key below left maxcols 1 height 0.3");
  if (axis.least || axis.most)
    figure.set(fmt::format("set yrange [{}:{}]", axis.least ? shortest(*axis.least) : "",
                           axis.most ? shortest(*axis.most) : ""));
  return figure;
}

// Every k of methods that have one.
std::vector<double> ks_of(const std::vector<MethodCells>& methods) {
  std::vector<double> ks;
  for (const MethodCells& method : methods)
    for (const CellAccuracy* cell : method.cells)
      if (cell->cell.k > 0) ks.push_back(static_cast<double>(cell->cell.k));
  return ks;
}

// Methods without k at the ends of the others' range.
Rows rows_against_k(const MethodCells& method, const Interval& range, const CellCost& cost,
                    const Axis& axis) {
  Rows rows;
  for (const CellAccuracy* cell : method.cells) {
    const Summary* const summary = cost(*cell);
    if (summary == nullptr) continue;
    if (cell->cell.k > 0) {
      rows.push_back(row_of(static_cast<double>(cell->cell.k), *summary, axis));
    } else {
      for (const double k : {range.low, range.high}) rows.push_back(row_of(k, *summary, axis));
    }
  }
  return rows;
}

std::optional<Figure> figure_against_k(const AccuracyFile& accuracy, const std::string& name,
                                       const CellCost& cost, const Axis& axis) {
  const std::vector<MethodCells> methods = drawn_methods(accuracy.result);
  const std::vector<double> ks = ks_of(methods);
  if (ks.empty()) return std::nullopt;
  const auto [least, most] = std::ranges::minmax(ks);
  FigureWriter figure = begin(accuracy, name, methods.size(), "k", axis);
  figure.set("set logscale x 2");
  figure.set(fmt::format("set xrange [{}:{}]", shortest(least / 1.15), shortest(most * 1.15)));
  std::vector<std::string> elements;
  for (size_t i = 0; i < methods.size(); ++i) {
    const Rows rows = rows_against_k(methods[i], {least, most}, cost, axis);
    if (rows.empty()) continue;
    const std::string data = figure.block(methods[i].method + ": k, mean, its interval", rows);
    elements.push_back(fmt::format("{} with yerrorlines {} title {}", data, point_style(i),
                                   gnuplot_text(methods[i].method)));
  }
  if (elements.empty()) return std::nullopt;
  figure.plot(elements);
  return figure.finish();
}

std::optional<Figure> figure_by_layer(const AccuracyFile& accuracy, const std::string& name,
                                      const LayerCost& cost, const Axis& axis) {
  const AccuracyResult& result = accuracy.result;
  const std::vector<MethodCells> methods = drawn_methods(result);
  FigureWriter figure = begin(accuracy, name, methods.size(), "layer", axis);
  if (result.layers.size() <= 12) figure.set("set xtics 1");
  figure.set(fmt::format("set xrange [{}:{}]", static_cast<double>(result.layers.front()) - 0.3,
                         static_cast<double>(result.layers.back()) + 0.3));
  std::vector<std::string> elements;
  for (size_t i = 0; i < methods.size(); ++i) {
    const CellAccuracy& cell = nearest_to_quarter(methods[i], result.length);
    Rows rows;
    for (size_t layer = 0; layer < result.layers.size(); ++layer) {
      if (const Summary* const summary = cost(cell, layer))
        rows.push_back(row_of(static_cast<double>(result.layers[layer]), *summary, axis));
    }
    if (rows.empty()) continue;
    const std::string data = figure.block(cell.cell.name + ": layer, mean, its interval", rows);
    elements.push_back(
        fmt::format("{} with yerrorlines {} title {}", data, point_style(i), gnuplot_text(cell.cell.name)));
  }
  if (elements.empty()) return std::nullopt;
  figure.plot(elements);
  return figure.finish();
}

const Summary* optional_of(const std::optional<Summary>& summary) { return summary ? &*summary : nullptr; }

// A skill of −2 says no more than one of −1.
Axis skill_axis() {
  return {.label = "skill of heads (−1 and below cut off)", .factor = 1, .least = -1, .most = 1};
}

std::optional<Figure> whole_model_figure(const AccuracyFile& accuracy, const std::string& prefix) {
  if (accuracy.result.loss) {
    const auto loss = [](const CellAccuracy& cell) {
      return cell.all_replaced ? optional_of(cell.all_replaced->loss_increase) : nullptr;
    };
    return figure_against_k(accuracy, prefix + "-loss", loss,
                            {.label = "loss +, all layers replaced, nats", .least = {}, .most = {}});
  }
  const auto hidden = [](const CellAccuracy& cell) {
    return cell.all_replaced ? &cell.all_replaced->hidden_error : nullptr;
  };
  return figure_against_k(
      accuracy, prefix + "-hidden", hidden,
      {.label = "error of the last hidden states, %", .factor = 100, .least = 0, .most = {}});
}

std::optional<Figure> sensitivity_figure(const AccuracyFile& accuracy, const std::string& prefix) {
  const AccuracyResult& result = accuracy.result;
  const std::string name = prefix + "-sensitivity";
  const bool alone =
      std::ranges::any_of(result.cells, [](const CellAccuracy& cell) { return !cell.one_replaced.empty(); });
  if (!alone) {
    return figure_by_layer(
        accuracy, name, [](const CellAccuracy& cell, size_t i) { return &cell.layers[i].skill; },
        skill_axis());
  }
  if (result.loss) {
    const auto loss = [](const CellAccuracy& cell, size_t i) {
      return cell.one_replaced.empty() ? nullptr : optional_of(cell.one_replaced[i].loss_increase);
    };
    return figure_by_layer(accuracy, name, loss,
                           {.label = "loss +, that layer alone, nats", .least = {}, .most = {}});
  }
  const auto hidden = [](const CellAccuracy& cell, size_t i) {
    return cell.one_replaced.empty() ? nullptr : &cell.one_replaced[i].hidden_error;
  };
  return figure_by_layer(accuracy, name, hidden,
                         {.label = "error of the last hidden states, that layer alone, %",
                          .factor = 100,
                          .least = 0,
                          .most = {}});
}

}  // namespace

std::vector<Figure> accuracy_figures(const AccuracyFile& accuracy, const std::string& prefix) {
  const AccuracyResult& result = accuracy.result;
  std::vector<Figure> figures;
  if (result.sequences == 0 || result.layers.empty()) return figures;
  const auto add = [&](std::optional<Figure> figure) {
    if (figure) figures.push_back(std::move(*figure));
  };
  add(figure_against_k(accuracy, prefix + "-error",
                       [](const CellAccuracy& cell) { return &cell.model.output_error; },
                       {.label = "output error of heads, %", .factor = 100, .least = 0, .most = {}}));
  add(figure_against_k(
      accuracy, prefix + "-skill", [](const CellAccuracy& cell) { return &cell.model.skill; }, skill_axis()));
  add(whole_model_figure(accuracy, prefix));
  add(sensitivity_figure(accuracy, prefix));
  return figures;
}

}  // namespace linformer
