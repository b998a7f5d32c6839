// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "report/figure_spectrum.h"
#include "report/spectrum_view.h"

namespace linformer {
namespace {

constexpr const char* kStatistic = "k90_sigma";

// Reports of one model, by length.
using ByLength = std::map<int64_t, const SpectrumFile*>;

std::string model_of(const SpectrumFile& spectrum) {
  const auto checkpoint = spectrum.file.root()["input"].find("checkpoint");
  return checkpoint ? checkpoint->text() : spectrum.file.name();
}

std::map<std::string, ByLength> models_of(const std::vector<SpectrumFile>& spectra) {
  std::map<std::string, ByLength> models;
  for (const SpectrumFile& spectrum : spectra) {
    const SpectrumResult& result = spectrum.result;
    if (result.equal_length && result.sequences > 0 && find_statistic(result, kStatistic))
      models[model_of(spectrum)].emplace(result.length, &spectrum);
  }
  std::erase_if(models, [](const auto& model) { return model.second.size() < 2; });
  return models;
}

// n, and k's median, p95 and largest over layers, heads and sequences, rounded up so that each suffices.
std::vector<std::vector<double>> k_rows(const ByLength& reports, std::string_view series) {
  std::vector<std::vector<double>> rows;
  for (const auto& [length, spectrum] : reports) {
    const SeriesResult* const of = find_series(spectrum->result, series);
    if (of == nullptr) continue;
    const Summary& k = of->model.statistics[*find_statistic(spectrum->result, kStatistic)];
    rows.push_back({static_cast<double>(length), std::ceil(k.median), std::ceil(k.p95), std::ceil(k.max)});
  }
  return rows;
}

}  // namespace

std::vector<Figure> length_figures(const std::vector<SpectrumFile>& spectra, const std::string& prefix) {
  const auto models = models_of(spectra);
  if (models.empty()) return {};
  FigureWriter figure(prefix + "-length", kColumnInches, 2.5,
                      model_headline(*models.begin()->second.begin()->second));
  figure.axes("sequence length n", "k that holds 90 % of Σσ");
  figure.set("set logscale xy 2");
  figure.set("set key top left");
  figure.set("set offsets graph 0.05, graph 0.05, graph 0.2, 0");
  std::vector<std::string> elements;
  size_t style = 0;
  for (const auto& [model, reports] : models) {
    const std::string own =
        figure.block(model + ": n, k90 median, p95, largest", k_rows(reports, "probabilities"));
    elements.push_back(fmt::format("{} using 1:2 with linespoints {} title {}", own, point_style(style++),
                                   gnuplot_text(model + ", median")));
    elements.push_back(fmt::format("{} using 1:3 with linespoints {} title {}", own, point_style(style++),
                                   gnuplot_text(model + ", p95")));
    const auto matched = k_rows(reports, "matched");
    if (matched.empty()) continue;
    const std::string control = figure.block(model + ", matched: n, k90 median, p95, largest", matched);
    elements.push_back(fmt::format("{} using 1:2 with linespoints {} title 'matched, median'", control,
                                   point_style(style++)));
  }
  figure.plot(elements);
  return {figure.finish()};
}

}  // namespace linformer
