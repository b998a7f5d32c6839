// SPDX-License-Identifier: MIT
#include "spectrum/conclude.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/index.h"
#include "spectrum/controls.h"
#include "spectrum/sample.h"
#include "spectrum/statistics.h"

namespace linformer {
namespace {

class Conclusion {
 public:
  Conclusion(const Records& records, std::span<const int64_t> documents, double confidence)
      : records_(records), layout_(records.layout()), sample_(records, documents, confidence) {}

  const Units& units() const { return sample_.units(); }
  int64_t sequences() const { return std::ssize(sample_.sequences()); }

  SequenceValue statistic(int64_t series, int64_t statistic) const {
    return [=, this](int64_t s, int64_t l, int64_t h) {
      return static_cast<double>(records_.statistic({s, series, l, h}, statistic));
    };
  }

  Summary of_head(const SequenceValue& v, int64_t l, int64_t h) const {
    return sample_.summary(v, {.first = l}, {.first = h});
  }
  Summary of_layer(const SequenceValue& v, int64_t l) const {
    return sample_.summary(v, {.first = l}, {.count = layout_.heads});
  }
  Summary of_model(const SequenceValue& v) const {
    return sample_.summary(v, {.count = layout_.layers}, {.count = layout_.heads});
  }

  SeriesResult series(int64_t i, const CurveGrid& grid, const std::vector<int64_t>& points) const;
  Comparison compare(int64_t control) const;
  /// Heads are averaged within a layer before the slope is taken.
  Summary layer_slope(const SequenceValue& value) const;
  /// Of the first statistic: probabilities minus control.
  SequenceValue difference_to(int64_t control) const;

 private:
  Curves curves(int64_t series, int64_t layer, int64_t first, int64_t heads) const;
  Band band(int64_t series, int64_t layer) const;

  const Records& records_;
  const RecordLayout& layout_;
  Sample sample_;
};

Curves Conclusion::curves(int64_t series, int64_t layer, int64_t first, int64_t heads) const {
  Curves curves;
  if (sequences() == 0) return curves;
  const double scale = 1.0 / static_cast<double>(sequences() * heads);
  for (int64_t point = 0; point < layout_.points; ++point) {
    double c = 0, e = 0;
    for (int64_t h = first; h < first + heads; ++h) {
      c += records_.cumulative_sum(series, layer, h, point);
      e += records_.energy_sum(series, layer, h, point);
    }
    curves.cumulative.push_back(c * scale);
    curves.energy.push_back(e * scale);
  }
  return curves;
}

Band Conclusion::band(int64_t series, int64_t layer) const {
  Band band;
  if (sequences() == 0) return band;
  for (int64_t i = 0; i < std::ssize(layout_.band_points); ++i) {
    std::vector<double> values;
    for (int64_t s : sample_.sequences())
      values.push_back(static_cast<double>(records_.band(s, series, layer, i)));
    std::sort(values.begin(), values.end());
    band.p5.push_back(quantile(values, 0.05));
    band.p50.push_back(quantile(values, 0.50));
    band.p95.push_back(quantile(values, 0.95));
  }
  return band;
}

// Smallest m at which each mean curve reaches each share; none without a curve.
std::vector<int64_t> mean_curve_k(const Curves& curves, const CurveGrid& grid) {
  std::vector<int64_t> k;
  if (grid.length == 0 || curves.cumulative.empty()) return k;
  for (const std::vector<double>* curve : {&curves.cumulative, &curves.energy}) {
    for (double share : kShares) {
      k.push_back(std::lower_bound(curve->begin(), curve->end(), share * (1 - 1e-12)) - curve->begin() + 1);
    }
  }
  return k;
}

Curves mean_of(const std::vector<Curves>& layers) {
  Curves mean = layers.front();
  const double scale = 1.0 / static_cast<double>(layers.size());
  for (size_t i = 0; i < mean.cumulative.size(); ++i) {
    mean.cumulative[i] = mean.energy[i] = 0;
    for (const Curves& layer : layers) {
      mean.cumulative[i] += layer.cumulative[i] * scale;
      mean.energy[i] += layer.energy[i] * scale;
    }
  }
  return mean;
}

Curves sampled(const Curves& curves, const std::vector<int64_t>& points) {
  Curves some;
  if (curves.cumulative.empty()) return some;
  for (const int64_t point : points) {
    some.cumulative.push_back(curves.cumulative[index(point)]);
    some.energy.push_back(curves.energy[index(point)]);
  }
  return some;
}

SeriesResult Conclusion::series(int64_t i, const CurveGrid& grid, const std::vector<int64_t>& points) const {
  SeriesResult result;
  result.name = layout_.series[index(i)];
  const auto statistics = [&](const auto& summarise_one) {
    std::vector<Summary> all;
    for (int64_t s = 0; s < std::ssize(layout_.statistics); ++s)
      all.push_back(summarise_one(statistic(i, s)));
    return all;
  };
  for (int64_t l = 0; l < layout_.layers; ++l) {
    std::vector<StatisticsOf> heads;
    std::vector<Curves> head_curves;
    for (int64_t h = 0; h < layout_.heads; ++h) {
      head_curves.push_back(curves(i, l, h, 1));
      heads.push_back({statistics([&](const SequenceValue& v) { return of_head(v, l, h); }),
                       mean_curve_k(head_curves.back(), grid), sampled(head_curves.back(), points)});
    }
    result.heads.push_back(std::move(heads));
    result.head_curves.push_back(std::move(head_curves));
    result.layer_curves.push_back(curves(i, l, 0, layout_.heads));
    result.layer_bands.push_back(band(i, l));
    result.layers.push_back({statistics([&](const SequenceValue& v) { return of_layer(v, l); }),
                             mean_curve_k(result.layer_curves.back(), grid),
                             sampled(result.layer_curves.back(), points)});
  }
  const Curves model = mean_of(result.layer_curves);
  result.model = {statistics([&](const SequenceValue& v) { return of_model(v); }), mean_curve_k(model, grid),
                  sampled(model, points)};
  return result;
}

Verdict verdict_of(const Summary& difference) {
  if (!difference.interval) return Verdict::kTooFewUnits;
  if (difference.interval->low > kLeastDifference) return Verdict::kLowerRank;
  if (difference.interval->high < -kLeastDifference) return Verdict::kHigherRank;
  return Verdict::kSameRank;
}

SequenceValue Conclusion::difference_to(int64_t control) const {
  return [=, this](int64_t s, int64_t l, int64_t h) {
    return static_cast<double>(records_.statistic({s, 0, l, h}, 0)) -
           static_cast<double>(records_.statistic({s, control, l, h}, 0));
  };
}

Summary Conclusion::layer_slope(const SequenceValue& value) const {
  const double middle = static_cast<double>(layout_.layers - 1) / 2;
  double squares = 0;
  for (int64_t l = 0; l < layout_.layers; ++l) squares += std::pow(static_cast<double>(l) - middle, 2);
  std::vector<double> slopes;
  for (const int64_t s : sample_.sequences()) {
    double slope = 0;
    for (int64_t l = 0; l < layout_.layers; ++l) {
      const double weight = (static_cast<double>(l) - middle) / squares / static_cast<double>(layout_.heads);
      for (int64_t h = 0; h < layout_.heads; ++h) slope += weight * value(s, l, h);
    }
    slopes.push_back(slope);
  }
  return sample_.summary(slopes);
}

Comparison Conclusion::compare(int64_t control) const {
  const SequenceValue difference = difference_to(control);
  Comparison result;
  result.control = layout_.series[index(control)];
  result.model = of_model(difference);
  for (int64_t l = 0; l < layout_.layers; ++l) {
    result.layers.push_back(of_layer(difference, l));
    result.verdicts.push_back(verdict_of(result.layers.back()));
    std::vector<Summary> heads;
    for (int64_t h = 0; h < layout_.heads; ++h) heads.push_back(of_head(difference, l, h));
    result.heads.push_back(std::move(heads));
  }
  return result;
}

}  // namespace

void conclude(const Records& records, std::span<const int64_t> documents, const CurveGrid& grid,
              double confidence, SpectrumResult& result) {
  const RecordLayout& layout = records.layout();
  const Conclusion conclusion(records, documents, confidence);
  result.statistics = layout.statistics;
  result.confidence = confidence;
  result.planned_sequences = layout.sequences;
  result.sequences = conclusion.sequences();
  result.units = conclusion.units().count;
  result.unit = conclusion.units().documents ? "document" : "block of sequences";
  result.grid.clear();
  for (int64_t i = 0; i < grid.points; ++i) result.grid.push_back(grid.at(i));
  result.band_grid.clear();
  for (int64_t point : layout.band_points) result.band_grid.push_back(grid.at(point));
  result.curves_at.clear();
  const std::vector<int64_t> points = grid.reported(result.at);
  for (const int64_t point : points) result.curves_at.push_back(grid.at(point));
  result.series.clear();
  result.comparisons.clear();
  result.layer_slopes.clear();
  if (layout.layers > 1)
    result.layer_slopes.push_back({"probabilities", conclusion.layer_slope(conclusion.statistic(0, 0))});
  for (int64_t i = 0; i < std::ssize(layout.series); ++i) {
    result.series.push_back(conclusion.series(i, grid, points));
    const std::string& name = layout.series[index(i)];
    if (find_control(name) == nullptr) continue;
    result.comparisons.push_back(conclusion.compare(i));
    if (layout.layers < 2) continue;
    result.layer_slopes.push_back(
        {"probabilities - " + name, conclusion.layer_slope(conclusion.difference_to(i))});
  }
}

double widest_interval(const Records& records, std::span<const int64_t> documents, double confidence) {
  const Conclusion conclusion(records, documents, confidence);
  double widest = 0;
  for (int64_t l = 0; l < records.layout().layers; ++l) {
    const Summary summary = conclusion.of_layer(conclusion.statistic(0, 0), l);
    if (!summary.interval) return std::numeric_limits<double>::infinity();
    widest = std::max(widest, summary.interval->high - summary.interval->low);
  }
  return widest;
}

}  // namespace linformer
