// SPDX-License-Identifier: MIT
#include "report/figure_bench.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "report/bench_view.h"
#include "report/numbers.h"

namespace linformer {
namespace {

constexpr double kMs = 1e-6;
constexpr double kMib = 1.0 / (1 << 20);
using Rows = std::vector<std::vector<double>>;

// The key takes a line for each mechanism below the picture, and one for the crossovers.
double height_for(size_t mechanisms) { return 2.9 + 0.17 * static_cast<double>(mechanisms + 1); }

std::string headline(const BenchResult& result, const CellGroup& group) {
  return fmt::format("{}, {}; a CPU, not the paper's V100", result.subject, group.sizes());
}

FigureWriter log_log(const std::string& name, const BenchResult& result, const CellGroup& group,
                     const std::string& y) {
  FigureWriter figure(name, kColumnInches, height_for(group.mechanisms().size()), headline(result, group));
  figure.axes("sequence length n", y);
  figure.set("set logscale x 2");
  figure.set("set logscale y 10");
  figure.set("set key below left maxcols 1 height 0.3");
  return figure;
}

Rows time_rows(const CellGroup& group, const std::string& mechanism) {
  Rows rows;
  for (const int64_t length : group.lengths()) {
    const CellResult* const cell = group.find(mechanism, length);
    if (cell == nullptr || !cell->measured()) continue;
    const Interval range = cell->interval_ns.value_or(Interval{cell->median_ns, cell->median_ns});
    rows.push_back({static_cast<double>(length), cell->median_ns * kMs, range.low * kMs, range.high * kMs});
  }
  return rows;
}

bool is_of(const BenchCell& cell, const CellGroup& group, const std::string& mechanism) {
  return cell.mechanism == mechanism && std::ranges::any_of(group.cells, [&](const CellResult* other) {
           return other->cell.mechanism == mechanism && other->cell.length == cell.length &&
                  other->cell.batch == cell.batch && other->cell.threads == cell.threads &&
                  other->cell.heads == cell.heads && other->cell.head_size == cell.head_size &&
                  other->cell.queries == cell.queries && other->cell.dtype == cell.dtype;
         });
}

const LocalSlope* fitted_slope(const BenchResult& result, const CellGroup& group,
                               const std::string& mechanism) {
  for (const Growth& growth : result.growth)
    if (is_of(growth.cell, group, mechanism)) return &growth.fitted;
  return nullptr;
}

std::string slope_text(const LocalSlope& slope) {
  const std::string range =
      slope.interval ? fmt::format(" ({}..{})", fixed(slope.interval->low, 2), fixed(slope.interval->high, 2))
                     : "";
  return fmt::format(", slope {}{}", fixed(slope.slope, 2), range);
}

// The line of that slope through the middle of the points.
Rows fitted_line(const Rows& points, double slope) {
  double x = 0, y = 0;
  for (const auto& point : points) {
    x += std::log(point[0]) / static_cast<double>(points.size());
    y += std::log(point[1]) / static_cast<double>(points.size());
  }
  Rows line;
  for (const double n : {points.front()[0], points.back()[0]})
    line.push_back({n, std::exp(y + slope * (std::log(n) - x))});
  return line;
}

// 1, 2 and 5 times the powers of ten, where powers alone would leave an axis with one number or none.
void add_tics(FigureWriter& figure, double least, double most) {
  constexpr double kFewDecades = 100;
  if (!(least > 0) || most / least > kFewDecades) return;
  std::vector<std::string> tics;
  for (auto decade = static_cast<int>(std::floor(std::log10(least))); std::pow(10, decade) <= most;
       ++decade) {
    const double power = std::pow(10, decade);
    for (const double step : {1, 2, 5})
      if (step * power >= least && step * power <= most) tics.push_back(fmt::format("{:.6g}", step * power));
  }
  figure.set(fmt::format("set ytics ({})", fmt::join(tics, ", ")));
}

// Both axes a little beyond the points, where gnuplot would go on to the next power of ten.
void fit_ranges(FigureWriter& figure, const Rows& points) {
  const auto [first, last] = std::ranges::minmax(points, {}, [](const auto& point) { return point[0]; });
  const auto [least, most] = std::ranges::minmax(points, {}, [](const auto& point) { return point[1]; });
  figure.set(fmt::format("set xrange [{:.6g}:{:.6g}]", first[0] / 1.15, last[0] * 1.15));
  figure.set(fmt::format("set yrange [{:.6g}:{:.6g}]", least[1] / 1.6, most[1] * 1.6));
  add_tics(figure, least[1] / 1.6, most[1] * 1.6);
}

// On straight lines between points on logarithmic axes.
double time_at(const Rows& points, double n) {
  size_t i = 1;
  while (i + 1 < points.size() && points[i][0] < n) ++i;
  const double part = std::log(n / points[i - 1][0]) / std::log(points[i][0] / points[i - 1][0]);
  return points[i - 1][1] * std::pow(points[i][1] / points[i - 1][1], part);
}

void add_crossovers(FigureWriter& figure, std::vector<std::string>& elements, const BenchResult& result,
                    const CellGroup& group) {
  Rows crossings;
  std::vector<std::string> labels;
  for (const Crossover& crossover : result.crossovers) {
    const std::string& mechanism = crossover.cell.mechanism;
    const Rows points = time_rows(group, mechanism);
    if (!crossover.length || points.size() < 2 || !is_of(crossover.cell, group, mechanism)) continue;
    crossings.push_back({*crossover.length, time_at(points, *crossover.length)});
    labels.push_back(fmt::format("{:.0f}", *crossover.length));
  }
  if (crossings.empty()) return;
  const std::string data = figure.labelled_block("crossovers: text, n, time in ms", labels, crossings);
  elements.push_back(
      fmt::format("{} using 2:3 with points pt 6 ps 1.1 lw 1 lc rgb '#000000' title "
                  "'crossover with an exact one, at n'",
                  data));
  elements.push_back(fmt::format("{} using 2:3:1 with labels font small offset 0,-0.9 notitle", data));
}

std::optional<Figure> time_figure(const BenchResult& result, const CellGroup& group,
                                  const std::string& name) {
  const bool tokens = group.first.tokens > 0;
  FigureWriter figure =
      log_log(name, result, group, tokens ? fmt::format("ms for {} tokens", group.first.tokens) : "ms");
  const std::vector<std::string> mechanisms = group.mechanisms(), names = short_names(mechanisms);
  std::vector<std::string> elements;
  Rows all;
  for (size_t i = 0; i < mechanisms.size(); ++i) {
    const Rows points = time_rows(group, mechanisms[i]);
    if (points.empty()) continue;
    all.insert(all.end(), points.begin(), points.end());
    const std::string style = point_style(i);
    const LocalSlope* const slope = fitted_slope(result, group, mechanisms[i]);
    const std::string data = figure.block(mechanisms[i] + ": n, median in ms, its interval", points);
    elements.push_back(fmt::format("{} with yerrorlines {} title {}", data, style,
                                   gnuplot_text(names[i] + (slope == nullptr ? "" : slope_text(*slope)))));
    if (slope == nullptr || points.size() < 3) continue;
    const std::string line =
        figure.block(mechanisms[i] + ": n, ms by the fitted slope", fitted_line(points, slope->slope));
    elements.push_back(fmt::format("{} with lines lc rgb '#b0b0b0' lw 0.6 notitle", line));
  }
  if (elements.empty()) return std::nullopt;
  fit_ranges(figure, all);
  add_crossovers(figure, elements, result, group);
  figure.plot(elements);
  return figure.finish();
}

// Also of cells that did not fit: their memory is computed.
std::optional<Figure> memory_figure_of(const BenchResult& result, const CellGroup& group,
                                       const std::string& name, const char* label) {
  FigureWriter figure = log_log(name, result, group, label);
  const std::vector<std::string> mechanisms = group.mechanisms(), names = short_names(mechanisms);
  std::vector<std::string> elements;
  Rows all;
  for (size_t i = 0; i < mechanisms.size(); ++i) {
    Rows rows;
    for (const int64_t length : group.lengths()) {
      const CellResult* const cell = group.find(mechanisms[i], length);
      if (cell == nullptr || cell->bytes() == 0) continue;
      rows.push_back({static_cast<double>(length), static_cast<double>(cell->bytes()) * kMib});
    }
    if (rows.empty()) continue;
    all.insert(all.end(), rows.begin(), rows.end());
    const std::string data = figure.block(mechanisms[i] + ": n, MiB", rows);
    elements.push_back(
        fmt::format("{} with linespoints {} title {}", data, point_style(i), gnuplot_text(names[i])));
  }
  if (elements.empty()) return std::nullopt;
  fit_ranges(figure, all);
  figure.plot(elements);
  return figure.finish();
}

std::optional<Figure> memory_figure(const BenchResult& result, const CellGroup& group,
                                    const std::string& name) {
  return memory_figure_of(result, group, name, "MiB of tensors, workspace, parameters");
}

// Cells whose bytes are what one more sequence takes.
BenchResult as_bench(const BatchFitResult& fits) {
  BenchResult result;
  result.level = fits.level;
  result.subject = fits.subject;
  for (const BatchFit& fit : fits.fits) {
    CellResult& cell = result.cells.emplace_back();
    cell.cell = fit.cell;
    cell.workspace_bytes = std::llround(fit.bytes_per_sequence);  // 0 of what cannot be
  }
  return result;
}

}  // namespace

std::vector<Figure> bench_figures(const BenchFile& bench, const std::string& prefix) {
  std::vector<Figure> figures;
  const std::vector<CellGroup> groups = groups_of(bench.result);
  for (const CellGroup& group : groups) {
    if (group.lengths().size() < 2) continue;
    const std::string end = groups.size() > 1 ? "-" + group.file_part() : "";
    for (auto* draw : {time_figure, memory_figure}) {
      const char* const what = draw == time_figure ? "-time" : "-memory";
      if (auto figure = draw(bench.result, group, fmt::format("{}{}{}", prefix, what, end)))
        figures.push_back(std::move(*figure));
    }
  }
  return figures;
}

std::vector<Figure> batch_fit_figures(const BatchFitFile& fits, const std::string& prefix) {
  const BenchResult result = as_bench(fits.result);
  std::vector<Figure> figures;
  const std::vector<CellGroup> groups = groups_of(result);
  for (const CellGroup& group : groups) {
    if (group.lengths().size() < 2) continue;
    const std::string end = groups.size() > 1 ? "-" + group.file_part() : "";
    auto figure =
        memory_figure_of(result, group, fmt::format("{}-batch{}", prefix, end), "MiB of one more sequence");
    if (figure) figures.push_back(std::move(*figure));
  }
  return figures;
}

}  // namespace linformer
