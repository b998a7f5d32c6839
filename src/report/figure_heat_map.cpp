// SPDX-License-Identifier: MIT
#include "report/figure_heat_map.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "report/headline.h"
#include "report/spectrum_view.h"

namespace linformer {
namespace {

// Of a layer and a head, by their places.
using Value = std::function<double(size_t layer, size_t head)>;

constexpr size_t kMostNumberedHeads = 16;
constexpr double kStep = 0.05;  // scales end at multiples of it

// What one panel shows, and how.
struct Panel {
  std::string title;
  std::string palette;
  double low, high;
  bool is_signed;
};

struct Range {
  double low, high;
};

Range range_of(const SpectrumResult& result, const Value& value) {
  Range range{value(0, 0), value(0, 0)};
  for (size_t i = 0; i < result.layers.size(); ++i) {
    for (size_t j = 0; j < result.heads.size(); ++j) {
      range.low = std::min(range.low, value(i, j));
      range.high = std::max(range.high, value(i, j));
    }
  }
  return range;
}

Panel shares_panel(const SpectrumResult& result, const Value& value) {
  const Range range = range_of(result, value);
  const double low = kStep * std::floor(range.low / kStep), high = kStep * std::ceil(range.high / kStep);
  return {.title = fmt::format("share of Σσ in {}, %", first_values(result)),
          .palette = "0 '#00204c', 0.25 '#414d6b', 0.5 '#7c7b78', 0.75 '#bcaf6f', 1 '#ffea46'",
          .low = 100 * low,
          .high = 100 * std::max(high, low + kStep),
          .is_signed = false};
}

Panel differences_panel(const SpectrumResult& result, const Value& value) {
  const Range range = range_of(result, value);
  const double most = kStep * std::ceil(std::max({std::abs(range.low), std::abs(range.high), kStep}) / kStep);
  return {.title = "minus the matched control, points of %",
          .palette = "0 '#b35806', 0.25 '#f1a340', 0.5 '#f7f7f7', 0.75 '#998ec3', 1 '#542788'",
          .low = -100 * most,
          .high = 100 * most,
          .is_signed = true};
}

// White numbers on the dark parts of the palette.
double text_colour(const Panel& panel, double percent) {
  constexpr double kWhite = 0xffffff, kBlack = 0;
  const double part = (percent - panel.low) / (panel.high - panel.low);
  const bool dark = panel.is_signed ? part < 0.12 || part > 0.82 : part < 0.55;
  return dark ? kWhite : kBlack;
}

// "'3' 0, '5' 1": numbers in the model at their places.
std::string tics(const std::vector<int64_t>& numbers) {
  std::vector<std::string> all;
  const size_t step = numbers.size() > 16 ? 2 : 1;
  for (size_t i = 0; i < numbers.size(); i += step) all.push_back(fmt::format("'{}' {}", numbers[i], i));
  return fmt::format("{}", fmt::join(all, ", "));
}

void plot_panel(FigureWriter& figure, const SpectrumResult& result, const Panel& panel, const Value& value) {
  std::vector<std::string> labels;
  std::vector<std::vector<double>> rows;
  for (size_t i = 0; i < result.layers.size(); ++i) {
    for (size_t j = 0; j < result.heads.size(); ++j) {
      const double percent = 100 * value(i, j);
      labels.push_back(panel.is_signed ? fmt::format("{:+.0f}", percent) : fmt::format("{:.0f}", percent));
      rows.push_back({static_cast<double>(j), static_cast<double>(i), percent, text_colour(panel, percent)});
    }
  }
  const std::string data = figure.labelled_block(
      panel.title + ": text, head's place, layer's place, value, colour of the text", labels, rows);
  figure.set(fmt::format("set title {} offset 0,-0.5", gnuplot_text(panel.title)));
  figure.set(fmt::format("set palette defined ({})", panel.palette));
  figure.set(fmt::format("set cbrange [{}:{}]", panel.low, panel.high));
  std::vector<std::string> elements = {
      fmt::format("{} using 2:3:(0.5):(0.5):4 with boxxyerror fillstyle solid 1 noborder lc palette", data)};
  if (result.heads.size() <= kMostNumberedHeads)
    elements.push_back(fmt::format("{} using 2:3:1:5 with labels font small tc rgb variable", data));
  figure.plot(elements);
}

}  // namespace

Figure heat_map_figure(const SpectrumFile& spectrum, const std::string& prefix) {
  const SpectrumResult& result = spectrum.result;
  const size_t at = *find_statistic(result, "cumulative_at");
  const SeriesResult& series = result.series.front();
  const Comparison* const matched = find_comparison(result, "matched");
  const bool two = matched != nullptr && !matched->heads.empty();
  const auto layers = static_cast<double>(result.layers.size());
  FigureWriter figure(prefix + "-heat-map", two ? kPageInches : kColumnInches,
                      1 + 0.17 * std::max(layers, 6.0), "");
  figure.set(
      fmt::format("set multiplot layout 1,{} title {}", two ? 2 : 1, gnuplot_text(model_headline(spectrum))));
  figure.axes("head", "layer");
  figure.set("set ylabel offset 0,0");
  figure.set(fmt::format("set xrange [-0.5:{}]", static_cast<double>(result.heads.size()) - 0.5));
  figure.set(fmt::format("set yrange [{}:-0.5]", layers - 0.5));
  figure.set(fmt::format("set xtics ({})", tics(result.heads)));
  figure.set(fmt::format("set ytics ({})", tics(result.layers)));
  figure.set("set cbtics scale 0.5");
  const Value share = [&](size_t i, size_t j) { return series.heads[i][j].statistics[at].mean; };
  plot_panel(figure, result, shares_panel(result, share), share);
  if (two) {
    const Value difference = [&](size_t i, size_t j) { return matched->heads[i][j].mean; };
    plot_panel(figure, result, differences_panel(result, difference), difference);
  }
  figure.set("unset multiplot");
  return figure.finish();
}

}  // namespace linformer
