// SPDX-License-Identifier: MIT
#include "report/spectrum_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace linformer {
namespace {

// Whether lists have the sizes they must have, for the series or comparison `subject`.
class ShapeCheck {
 public:
  explicit ShapeCheck(std::string subject) : subject_(std::move(subject)) {}

  template <class T>
  void expect(const std::vector<T>& list, size_t size, std::string_view item,
              bool may_be_empty = true) const {
    if (list.size() == size || (may_be_empty && list.empty())) return;
    throw Error(ErrorCode::kInternal, {.subject = fmt::format("spectrum result, {}", subject_),
                                       .item = std::string(item),
                                       .found = fmt::format("{} entries", list.size()),
                                       .expected = fmt::format("{}", size)});
  }

 private:
  std::string subject_;
};

void check_series(const SpectrumResult& result, const SeriesResult& series) {
  const ShapeCheck check(series.name);
  const size_t layers = result.layers.size(), heads = result.heads.size();
  const auto statistics = [&](const StatisticsOf& of) {
    check.expect(of.statistics, result.statistics.size(), "statistics", false);
    check.expect(of.mean_curve_k, 6, "k of the mean curves");
    check.expect(of.curves.cumulative, result.curves_at.size(), "some of the cumulative curve");
    check.expect(of.curves.energy, result.curves_at.size(), "some of the energy curve");
  };
  const auto curves = [&](const Curves& of) {
    check.expect(of.cumulative, result.grid.size(), "cumulative curve");
    check.expect(of.energy, result.grid.size(), "energy curve");
  };
  statistics(series.model);
  check.expect(series.layers, layers, "layers", false);
  check.expect(series.heads, layers, "heads");
  check.expect(series.layer_curves, layers, "curves of layers");
  check.expect(series.head_curves, layers, "curves of heads");
  check.expect(series.layer_bands, layers, "bands of layers");
  for (const StatisticsOf& layer : series.layers) statistics(layer);
  for (const auto& layer : series.heads) {
    check.expect(layer, heads, "heads of a layer");
    for (const StatisticsOf& head : layer) statistics(head);
  }
  for (const Curves& layer : series.layer_curves) curves(layer);
  for (const auto& layer : series.head_curves) {
    check.expect(layer, heads, "curves of heads of a layer");
    for (const Curves& head : layer) curves(head);
  }
  for (const Band& band : series.layer_bands)
    for (const auto* quantile : {&band.p5, &band.p50, &band.p95})
      check.expect(*quantile, result.band_grid.size(), "band");
}

void check_comparison(const SpectrumResult& result, const Comparison& comparison) {
  const ShapeCheck check("comparison with " + comparison.control);
  const size_t layers = result.layers.size();
  check.expect(comparison.layers, layers, "layers", false);
  check.expect(comparison.verdicts, layers, "verdicts", false);
  check.expect(comparison.heads, layers, "heads");
  for (const auto& layer : comparison.heads) check.expect(layer, result.heads.size(), "heads of a layer");
}

}  // namespace

const SeriesResult* find_series(const SpectrumResult& result, std::string_view name) {
  const auto found = std::ranges::find(result.series, name, &SeriesResult::name);
  return found == result.series.end() ? nullptr : &*found;
}

const Comparison* find_comparison(const SpectrumResult& result, std::string_view control) {
  const auto found = std::ranges::find(result.comparisons, control, &Comparison::control);
  return found == result.comparisons.end() ? nullptr : &*found;
}

std::optional<size_t> find_statistic(const SpectrumResult& result, std::string_view prefix) {
  for (size_t i = 0; i < result.statistics.size(); ++i)
    if (result.statistics[i].starts_with(prefix)) return i;
  return std::nullopt;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kLowerRank:
      return "lower-rank";
    case Verdict::kSameRank:
      return "same-rank";
    case Verdict::kHigherRank:
      return "higher-rank";
    case Verdict::kTooFewUnits:
      break;
  }
  return "too-few-units";
}

std::string interval_reason(const SpectrumResult& result) {
  if (result.units >= kLeastUnits) return "not computed";
  return fmt::format("{} sampling unit{}, an interval needs at least {}", result.units,
                     result.units == 1 ? "" : "s", kLeastUnits);
}

void check_shape(const SpectrumResult& result) {
  for (const SeriesResult& series : result.series) check_series(result, series);
  for (const Comparison& comparison : result.comparisons) check_comparison(result, comparison);
}

}  // namespace linformer
