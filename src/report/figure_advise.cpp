// SPDX-License-Identifier: MIT
#include "report/figure_advise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "attention/mechanism.h"
#include "report/model_headline.h"
#include "report/numbers.h"

namespace linformer {
namespace {

constexpr double kMs = 1e-6, kPercent = 100;
using Rows = std::vector<std::vector<double>>;

// The ways of one mechanism, which differ in k.
struct Way {
  std::string mechanism;
  std::vector<const AdvisedPoint*> points;
};

// A report may say anything; times are for a logarithmic axis, milliseconds to years.
bool can_be_drawn(const AdvisedPoint& point) {
  return point.ns > 1 && point.ns < 1e18 && std::isfinite(point.increase);
}

std::vector<Way> ways_of(const AdviceResult& result) {
  std::vector<Way> ways;
  for (const AdvisedPoint& point : result.points) {
    if (!can_be_drawn(point)) continue;
    const std::string mechanism = without_rank(point.name);
    auto way = std::ranges::find(ways, mechanism, &Way::mechanism);
    if (way == ways.end()) way = ways.insert(way, {.mechanism = mechanism, .points = {}});
    way->points.push_back(&point);
  }
  return ways;
}

// "k=64", or "k=32-256,exact" of layers that differ; "~" before it where the time is put together.
std::string label_of(const AdvisedPoint& point) {
  std::vector<int64_t> ks = point.ks;
  const bool exact_too = std::erase(ks, 0) > 0;
  if (ks.empty()) return exact_too ? "exact" : "?";
  const auto [least, most] = std::ranges::minmax(ks);
  const std::string k = least == most ? std::to_string(most) : fmt::format("{}-{}", least, most);
  return fmt::format("{}k={}{}", point.estimated ? "~" : "", k, exact_too ? ",exact" : "");
}

std::vector<double> row_of(const AdvisedPoint& point) {
  const Interval range = point.increase_interval.value_or(Interval{point.increase, point.increase});
  return {point.ns * kMs, kPercent * point.increase, kPercent * range.low, kPercent * range.high};
}

// From fast to near.
Rows frontier_of(const AdviceResult& result) {
  Rows rows;
  for (const AdvisedPoint& point : result.points)
    if (point.pareto && can_be_drawn(point)) rows.push_back({point.ns * kMs, kPercent * point.increase});
  std::ranges::sort(rows);
  return rows;
}

// 1, 2 and 5 times the powers of ten from 10^decade to `most`.
std::vector<double> round_numbers(int decade, double most) {
  std::vector<double> numbers;
  for (; std::pow(10, decade) <= most; ++decade)
    for (const double step : {1.0, 2.0, 5.0}) numbers.push_back(step * std::pow(10, decade));
  return numbers;
}

// 0, the goal, and round numbers beyond it; `most` is well above the goal.
std::string tics_between(double goal, double most) {
  std::vector<std::string> tics = {"0", shortest(goal)};
  for (const double tic : round_numbers(-3, most))
    if (tic > 1.9 * goal && tic <= most * 1.5) tics.push_back(shortest(tic));
  return fmt::format("{}", fmt::join(tics, ", "));
}

// Times that differ much on a logarithmic axis, with room for the labels on their right.
void scale_times(FigureWriter& figure, const std::vector<Way>& ways) {
  constexpr double kLinearUpTo = 4;  // times the least
  std::vector<double> times;
  for (const Way& way : ways)
    for (const AdvisedPoint* point : way.points) times.push_back(kMs * point->ns);
  const auto [least, most] = std::ranges::minmax(times);
  if (most <= kLinearUpTo * least) {
    const double width = most > least ? most - least : most;
    figure.set(
        fmt::format("set xrange [{:.4g}:{:.4g}]", std::max(0.0, least - 0.1 * width), most + 0.2 * width));
    return;
  }
  const double ratio = most / least, low = least / std::pow(ratio, 0.1), high = most * std::pow(ratio, 0.2);
  std::vector<std::string> tics;
  for (const double tic : round_numbers(static_cast<int>(std::floor(std::log10(low))), high))
    if (tic >= low && tic <= high) tics.push_back(shortest(tic));
  figure.set("set logscale x");
  figure.set(fmt::format("set xrange [{:.4g}:{:.4g}]", low, high));
  figure.set(fmt::format("set xtics ({})", fmt::join(tics, ", ")));
}

// Losses from a tenth of the goal to a hundred times it can be told apart.
void scale_losses(FigureWriter& figure, const std::vector<Way>& ways, double goal) {
  constexpr double kLinearUpTo = 8;  // goals
  double most = 0;
  for (const Way& way : ways)
    for (const AdvisedPoint* point : way.points) most = std::max(most, row_of(*point)[3]);
  figure.set("set offsets 0, 0, graph 0.1, graph 0.05");
  if (goal <= 0 || most <= kLinearUpTo * goal) return;
  figure.set(fmt::format("set nonlinear y via asinh(y/{0}) inverse {0}*sinh(y)", shortest(goal)));
  figure.set(fmt::format("set ytics ({})", tics_between(goal, most)));
}

}  // namespace

std::vector<Figure> advice_figures(const AdviceFile& advice, const std::string& prefix) {
  const AdviceResult& result = advice.result;
  const std::vector<Way> ways = ways_of(result);
  if (ways.empty()) return {};
  const double goal = kPercent * result.goal.increase;
  FigureWriter figure(prefix + "-pareto", kColumnInches, 2.5 + 0.17 * static_cast<double>(ways.size() + 1),
                      model_headline(advice.file.root(), result.length, result.sequences));
  figure.axes("ms a sequence",
              result.goal.of_loss ? "increase of the loss, %" : "error of the last hidden states, %");
  figure.set("set key below left maxcols 1 height 0.3");
  scale_times(figure, ways);
  scale_losses(figure, ways, goal);
  std::vector<std::string> elements = {
      fmt::format("{} with lines dt 3 lw 1 lc rgb '#7f7f7f' title 'the goal'", shortest(goal)),
      fmt::format("{} with steps lc rgb '#7f7f7f' lw 1 title 'none is both faster and nearer'",
                  figure.block("frontier: ms, what is lost in %", frontier_of(result)))};
  for (size_t i = 0; i < ways.size(); ++i) {
    Rows rows;
    std::vector<std::string> labels;
    for (const AdvisedPoint* point : ways[i].points) {
      rows.push_back(row_of(*point));
      labels.push_back(label_of(*point));
    }
    const std::string data =
        figure.labelled_block(ways[i].mechanism + ": k, ms, what is lost in %, its interval", labels, rows);
    elements.push_back(fmt::format("{} using 2:3:4:5 with yerrorbars {} title {}", data, point_style(i),
                                   gnuplot_text(ways[i].mechanism)));
    elements.push_back(
        fmt::format("{} using 2:3:1 with labels font small left offset 0.5,0.3 notitle", data));
  }
  figure.plot(elements);
  return {figure.finish()};
}

}  // namespace linformer
