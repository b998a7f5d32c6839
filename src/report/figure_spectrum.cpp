// SPDX-License-Identifier: MIT
#include "report/figure_spectrum.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/figure_heat_map.h"
#include "report/model_headline.h"
#include "report/numbers.h"
#include "report/spectrum_view.h"

namespace linformer {
namespace {

using Columns = std::vector<std::vector<double>>;

const SeriesResult& probabilities(const SpectrumResult& result) { return result.series.front(); }

std::vector<const SeriesResult*> controls_of(const SpectrumResult& result) {
  std::vector<const SeriesResult*> controls;
  for (const Comparison& comparison : result.comparisons) {
    if (const SeriesResult* series = find_series(result, comparison.control)) controls.push_back(series);
  }
  return controls;
}

bool has_curves(const SeriesResult& series) { return !series.layer_curves.empty(); }

std::vector<double> mean_cumulative(const SeriesResult& series) {
  std::vector<double> mean(series.layer_curves.front().cumulative.size());
  for (const Curves& layer : series.layer_curves) {
    for (size_t i = 0; i < mean.size(); ++i)
      mean[i] += layer.cumulative[i] / static_cast<double>(series.layer_curves.size());
  }
  return mean;
}

// Of each value alone, (c_m − c_l)/(m − l) with l the point before: the mean of the values since then. Not a
// number where rounding leaves nothing.
std::vector<double> shares(const std::vector<double>& grid, const std::vector<double>& cumulative) {
  std::vector<double> single(cumulative.size());
  for (size_t i = 0; i < single.size(); ++i) {
    const double share = cumulative[i] - (i > 0 ? cumulative[i - 1] : 0);
    const double values = grid[i] - (i > 0 ? grid[i - 1] : 0);
    single[i] = share > 0 ? share / values : std::numeric_limits<double>::quiet_NaN();
  }
  return single;
}

std::string index_label(const SpectrumResult& result) {
  return result.equal_length ? "index m of the singular value" : "m/n";
}

void mark_at(FigureWriter& figure, const SpectrumResult& result) {
  const double at = result.equal_length ? static_cast<double>(result.at) : result.at_share;
  figure.set(
      fmt::format("set arrow from first {0}, graph 0 to first {0}, graph 1 nohead dt 3 lw 0.8 "
                  "lc rgb '#7f7f7f'",
                  shortest(at)));
}

// Curves of all layers in one panel, from dark to light, and the mean of each control; `of` makes what is
// drawn of c_m.
std::vector<std::string> all_layers(FigureWriter& figure, const SpectrumResult& result, const auto& of) {
  std::vector<std::string> elements;
  const SeriesResult& series = probabilities(result);
  for (size_t i = 0; i < series.layer_curves.size(); ++i) {
    const std::string data = figure.block(fmt::format("layer {}: m, value", result.layers[i]),
                                          rows_of({result.grid, of(series.layer_curves[i].cumulative)}));
    const bool named = i == 0 || i + 1 == series.layer_curves.size();
    elements.push_back(fmt::format("{} with lines {} lw 1.2 {}", data, shade(i, series.layer_curves.size()),
                                   named ? fmt::format("title 'layer {}'", result.layers[i]) : "notitle"));
  }
  size_t style = 2;
  for (const SeriesResult* control : controls_of(result)) {
    if (!has_curves(*control)) continue;
    const std::string data = figure.block(fmt::format("{}, mean over layers: m, value", control->name),
                                          rows_of({result.grid, of(mean_cumulative(*control))}));
    elements.push_back(
        fmt::format("{} with lines {} title {}", data, line_style(style++), gnuplot_text(control->name)));
  }
  return elements;
}

Figure cumulative_figure(const SpectrumFile& spectrum, const std::string& prefix) {
  const SpectrumResult& result = spectrum.result;
  FigureWriter figure(prefix + "-cumulative", kColumnInches, 2.5, model_headline(spectrum));
  figure.axes(index_label(result), "cumulative share of Σσ, c_m");
  figure.set("set key bottom right");
  figure.set(fmt::format("set xrange [0:{}]", shortest(result.grid.back())));
  figure.set("set yrange [0:1]");
  mark_at(figure, result);
  const auto same = [](const std::vector<double>& cumulative) { return cumulative; };
  figure.plot(all_layers(figure, result, same));
  return figure.finish();
}

Figure scree_figure(const SpectrumFile& spectrum, const std::string& prefix) {
  FigureWriter figure(prefix + "-scree", kColumnInches, 2.5, model_headline(spectrum));
  figure.axes(index_label(spectrum.result), "share of Σσ in σ_m");
  figure.set("set key bottom left");
  figure.set("set logscale xy");
  figure.set("set format y '%.0e'");
  figure.set(fmt::format("set xrange [1:{}]", shortest(spectrum.result.grid.back())));
  const auto alone = [&](const std::vector<double>& cumulative) {
    return shares(spectrum.result.grid, cumulative);
  };
  figure.plot(all_layers(figure, spectrum.result, alone));
  return figure.finish();
}

void plot_layer(FigureWriter& figure, const SpectrumResult& result, size_t layer, bool with_key) {
  const SeriesResult& series = probabilities(result);
  const auto title = [&](const std::string& text) {
    return with_key ? "title " + gnuplot_text(text) : "notitle";
  };
  std::vector<std::string> elements;
  figure.set(fmt::format("set title 'layer {}' offset 0,-0.7", result.layers[layer]));
  const Band band = series.layer_bands.empty() ? Band{} : series.layer_bands[layer];
  if (!band.p5.empty() && !band.p95.empty()) {
    const std::string data = figure.block(
        fmt::format("layer {}: m, quantiles at 5 % and 95 % over sequences", result.layers[layer]),
        rows_of({result.band_grid, band.p5, band.p95}));
    elements.push_back(fmt::format("{} with filledcurves lc rgb '#b8c4d6' {}", data, title("5 to 95 %")));
  }
  size_t style = 0;
  const auto line = [&](const SeriesResult& of) {
    const std::string data = figure.block(fmt::format("layer {}, {}: m, c_m", result.layers[layer], of.name),
                                          rows_of({result.grid, of.layer_curves[layer].cumulative}));
    elements.push_back(fmt::format("{} with lines {} {}", data, line_style(style++),
                                   title(of.name == "probabilities" ? "mean" : of.name)));
    style = std::max<size_t>(style, 2);
  };
  line(series);
  for (const SeriesResult* control : controls_of(result))
    if (has_curves(*control)) line(*control);
  figure.plot(elements);
}

Figure layers_figure(const SpectrumFile& spectrum, const std::string& prefix) {
  const SpectrumResult& result = spectrum.result;
  const size_t layers = result.layers.size();
  const size_t columns = layers < 4 ? layers : layers % 4 != 0 && layers % 3 == 0 ? 3 : 4;
  const size_t rows = (layers + columns - 1) / columns;
  FigureWriter figure(prefix + "-layers", kPageInches, 0.5 + 1.45 * static_cast<double>(rows), "");
  figure.set(fmt::format(
      "set multiplot layout {},{} title {}", rows, columns,
      gnuplot_text(model_headline(spectrum) + ": cumulative share of Σσ against " + index_label(result))));
  figure.set("set key bottom right");
  figure.set("set yrange [0:1]");
  figure.set(fmt::format("set xrange [0:{}]", shortest(result.grid.back())));
  figure.set(fmt::format("set xtics {}", shortest(result.grid.back() / 2)));
  mark_at(figure, result);
  for (size_t layer = 0; layer < layers; ++layer) plot_layer(figure, result, layer, layer == 0);
  figure.set("unset multiplot");
  return figure.finish();
}

double smallest(const StatisticsOf& of, size_t statistic, double Summary::*member) {
  return std::ceil(of.statistics[statistic].*member);
}

Figure k90_figure(const SpectrumFile& spectrum, const std::string& prefix, size_t k90) {
  const SpectrumResult& result = spectrum.result;
  FigureWriter figure(prefix + "-k90", kColumnInches, 2.4, model_headline(spectrum));
  figure.axes("layer", "k that holds 90 % of Σσ");
  figure.set("set key top right maxrows 3");
  if (result.layers.size() <= 12) figure.set("set xtics 1");
  figure.set("set yrange [0:*<" + (result.equal_length ? std::to_string(result.length) : "") + "]");
  figure.set("set offsets 0, 0, graph 0.25, 0");
  figure.set(fmt::format("set xrange [{}:{}]", static_cast<double>(result.layers.front()) - 0.5,
                         static_cast<double>(result.layers.back()) + 0.5));
  const auto column = [&](const SeriesResult& series, double Summary::*member) {
    std::vector<double> values;
    for (const StatisticsOf& layer : series.layers) values.push_back(smallest(layer, k90, member));
    return values;
  };
  const std::vector<double> layers(result.layers.begin(), result.layers.end());
  const SeriesResult& own = probabilities(result);
  const std::string data = figure.block("layer, k90 over sequences and heads: median, p95, max",
                                        rows_of({layers, column(own, &Summary::median),
                                                 column(own, &Summary::p95), column(own, &Summary::max)}));
  std::vector<std::string> elements = {
      fmt::format("{} using 1:2 with linespoints {} title 'median'", data, point_style(0)),
      fmt::format("{} using 1:3 with linespoints {} title 'p95'", data, point_style(1)),
      fmt::format("{} using 1:4 with points {} pt 2 ps 0.7 title 'largest'", data, line_style(5))};
  size_t style = 2;
  for (const SeriesResult* control : controls_of(result)) {
    const std::string of = figure.block(fmt::format("layer, median of {}", control->name),
                                        rows_of({layers, column(*control, &Summary::median)}));
    elements.push_back(fmt::format("{} with linespoints {} title {}", of, point_style(style++),
                                   gnuplot_text(control->name + ", median")));
  }
  figure.plot(elements);
  return figure.finish();
}

}  // namespace

std::string model_headline(const SpectrumFile& spectrum) {
  const SpectrumResult& result = spectrum.result;
  return model_headline(spectrum.file.root(), result.equal_length ? result.length : 0, result.sequences);
}

std::vector<Figure> spectrum_figures(const SpectrumFile& spectrum, const std::string& prefix) {
  const SpectrumResult& result = spectrum.result;
  std::vector<Figure> figures;
  if (result.sequences == 0 || result.series.empty() || result.layers.empty()) return figures;
  check_shape(result);
  if (has_curves(probabilities(result))) {
    figures.push_back(cumulative_figure(spectrum, prefix));
    figures.push_back(layers_figure(spectrum, prefix));
    if (result.equal_length) figures.push_back(scree_figure(spectrum, prefix));
  }
  if (find_statistic(result, "cumulative_at") && !probabilities(result).heads.empty())
    figures.push_back(heat_map_figure(spectrum, prefix));
  if (const auto k90 = find_statistic(result, "k90_sigma"))
    figures.push_back(k90_figure(spectrum, prefix, *k90));
  return figures;
}

}  // namespace linformer
