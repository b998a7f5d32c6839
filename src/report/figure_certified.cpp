// SPDX-License-Identifier: MIT
#include "report/figure_certified.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/model_headline.h"

namespace linformer {
namespace {

constexpr double kPercent = 100;

// Of the heads of one length, at one m.
struct Ends {
  Interval sum;
  int64_t heads = 0;
};

using ByPoint = std::map<int64_t, Ends>;

std::map<int64_t, ByPoint> by_length(const std::vector<CertifiedSpectrum>& spectra) {
  std::map<int64_t, ByPoint> lengths;
  for (const CertifiedSpectrum& s : spectra) {
    for (size_t i = 0; i < s.energy.size(); ++i) {
      Ends& ends = lengths[s.rows][s.m(i)];
      ends.sum.low += s.energy[i].low;
      ends.sum.high += s.energy[i].high;
      ++ends.heads;
    }
  }
  return lengths;
}

std::vector<std::vector<double>> rows_of_points(const ByPoint& points) {
  std::vector<std::vector<double>> rows;
  for (const auto& [m, ends] : points) {
    const double share = kPercent / static_cast<double>(ends.heads);
    rows.push_back({static_cast<double>(m), share * (ends.sum.low + ends.sum.high) / 2, share * ends.sum.low,
                    share * ends.sum.high});
  }
  return rows;
}

}  // namespace

std::vector<Figure> certified_figures(const SpectrumFile& spectrum, const std::string& prefix) {
  const auto lengths = by_length(spectrum.result.certified);
  if (lengths.empty()) return {};
  FigureWriter figure(prefix + "-energy", kColumnInches, 2.4 + 0.15 * static_cast<double>(lengths.size()),
                      model_headline(spectrum.file.root(), lengths.size() == 1 ? lengths.begin()->first : 0,
                                     spectrum.result.sequences));
  figure.axes("m", "Σσ² in the first m values, %");
  figure.set("set logscale x 2");
  figure.set("set key below left maxcols 2 height 0.3");
  figure.set("set yrange [0:100]");
  std::vector<std::string> elements;
  for (const auto& [rows, points] : lengths) {
    const std::string data =
        figure.block(fmt::format("n = {}: m, middle and ends of the interval, means over heads", rows),
                     rows_of_points(points));
    elements.push_back(
        fmt::format("{} with yerrorlines {} title 'n = {}'", data, point_style(elements.size()), rows));
  }
  figure.plot(elements);
  return {figure.finish()};
}

}  // namespace linformer
