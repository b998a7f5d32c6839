// SPDX-License-Identifier: MIT
#include "report/made_result.h"

namespace linformer {
namespace {

Summary summary(double mean, double half) {
  return {.mean = mean,
          .interval = Interval{mean - half, mean + half},
          .median = mean,
          .p95 = mean + half,
          .max = mean + 2 * half};
}

Curves curves(double start) {
  return {.cumulative = {start, 0.5, 0.75, 1}, .energy = {start / 2 + 0.5, 0.875, 0.9375, 1}};
}

// In the order of made_result()'s statistics.
StatisticsOf statistics(double cumulative) {
  return {.statistics = {summary(cumulative, 0.0078125),
                         summary(cumulative / 2 + 0.5, 0.0078125),
                         {.mean = 4.25, .interval = Interval{4, 4.5}, .median = 4, .p95 = 5.25, .max = 7},
                         summary(3.5, 0.25),
                         summary(1.5, 0.125)},
          .mean_curve_k = {4, 5, 7, 2, 3, 4},
          .curves = curves(cumulative / 2)};
}

SeriesResult series(const char* name, double lower) {
  SeriesResult made;
  made.name = name;
  made.model = statistics(0.75 - lower);
  for (int layer = 0; layer < 4; ++layer) {
    const double share = 0.6875 + 0.0625 * layer - lower;
    made.layers.push_back(statistics(share));
    made.layer_curves.push_back(curves(share / 2));
    made.layer_bands.push_back({.p5 = {0.25, 1}, .p50 = {0.5, 1}, .p95 = {0.625, 1}});
    made.heads.emplace_back();
    made.head_curves.emplace_back();
    for (int head = -1; head <= 1; ++head) {
      made.heads.back().push_back(statistics(share + 0.0625 * head));
      made.head_curves.back().push_back(curves(0.1));
    }
  }
  return made;
}

}  // namespace

SpectrumResult made_result() {
  SpectrumResult result;
  result.layers = {0, 2, 4, 6};
  result.heads = {0, 1, 2};
  result.statistics = {"cumulative_at_2", "energy_at_2", "k90_sigma", "effective_rank", "row_entropy"};
  result.at = 2;
  result.at_share = 0.25;
  result.length = 8;
  result.grid = {1, 2, 4, 8};
  result.band_grid = {2, 8};
  result.curves_at = {1, 2, 4, 8};
  result.sequences = result.planned_sequences = 20;
  result.units = 8;
  result.unit = "document";
  result.series = {series("probabilities", 0), series("matched", 0.0625)};
  result.comparisons = {
      {.control = "matched",
       .model = summary(0.0625, 0.03125),
       .layers = {summary(0.0625, 0.03125), summary(0.09375, 0.03125), summary(0, 0.03125),
                  summary(-0.0625, 0.03125)},
       .heads = std::vector(4, std::vector(3, summary(0.0625, 0.03125))),
       .verdicts = {Verdict::kLowerRank, Verdict::kLowerRank, Verdict::kSameRank, Verdict::kHigherRank}}};
  result.layer_slopes = {{.of = "probabilities", .slope = summary(0.0625, 0.03125)},
                         {.of = "probabilities - matched", .slope = summary(0, 0.03125)}};
  result.checks = {.matrices = 240,
                   .largest_norm_error = 1e-7,
                   .smallest_sigma1 = 1.0,
                   .smallest_sigma1_ratio = 1.0,
                   .verified = 3,
                   .largest_verified_error = 2e-7,
                   .tolerance = 2e-6,
                   .passed = true};
  result.seconds = {.load = 0.5,
                    .forward = 1,
                    .singular_values = 2,
                    .statistics = 0.25,
                    .controls = 3,
                    .verify = 0.25,
                    .total = 7};
  result.stopped_because = "all sequences";
  return result;
}

SpectrumResult made_result_of_few() {
  SpectrumResult result = made_result();
  result.sequences = result.planned_sequences = result.units = 3;
  result.unit = "block of sequences";
  const auto without = [](Summary& of) { of.interval.reset(); };
  for (SeriesResult& one : result.series) {
    for (Summary& of : one.model.statistics) without(of);
    for (StatisticsOf& layer : one.layers)
      for (Summary& of : layer.statistics) without(of);
    for (auto& layer : one.heads)
      for (StatisticsOf& head : layer)
        for (Summary& of : head.statistics) without(of);
  }
  for (Comparison& comparison : result.comparisons) {
    without(comparison.model);
    for (Summary& of : comparison.layers) without(of);
    for (auto& layer : comparison.heads)
      for (Summary& of : layer) without(of);
    comparison.verdicts.assign(4, Verdict::kTooFewUnits);
  }
  for (LayerSlope& slope : result.layer_slopes) without(slope.slope);
  return result;
}

}  // namespace linformer
