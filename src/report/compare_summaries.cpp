// SPDX-License-Identifier: MIT
#include "report/compare_summaries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/student_t.h"
#include "report/spectrum_view.h"
#include "report/welch.h"

namespace linformer {
namespace {

// What intervals of a report are made of.
struct Sampling {
  int64_t units = 0;
  double confidence = 0.95;
};

// A mean of both sides.
struct Pair {
  std::string what;
  const Summary *a, *b;
};

// On the logarithmic scale, as the interval tells it; no freedom where there is none.
Estimate logarithm_of(const Summary& summary, const Sampling& sampling) {
  Estimate estimate{.mean = std::log(summary.mean), .error = 0, .freedom = 0};
  if (!summary.interval || !(summary.mean > 0) || sampling.units < 2) return estimate;
  estimate.freedom = static_cast<double>(sampling.units - 1);
  const double t = student_t_quantile((1 + sampling.confidence) / 2, estimate.freedom);
  estimate.error = (summary.interval->high - summary.interval->low) / 2 / t / summary.mean;
  return estimate;
}

std::vector<ComparedValue> compare_pairs(const std::vector<Pair>& pairs, const Sampling& of_a,
                                         const Sampling& of_b) {
  std::vector<ComparedValue> values;
  const double level = level_of_each(pairs.size());
  for (const Pair& pair : pairs) {
    ComparedValue value{.what = pair.what,
                        .a = pair.a->mean,
                        .b = pair.b->mean,
                        .ratio = pair.b->mean / pair.a->mean,
                        .interval = {},
                        .verdict = "too few units"};
    const auto log = difference_interval(logarithm_of(*pair.a, of_a), logarithm_of(*pair.b, of_b), level);
    if (log) {
      value.interval = Interval{std::exp(log->low), std::exp(log->high)};
      value.verdict = log->low > 0 ? "higher" : log->high < 0 ? "lower" : kNothingSure;
    } else if (!(pair.a->mean > 0) || !(pair.b->mean > 0)) {
      value.verdict = "no ratio of what is not above 0";
    }
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace

double level_of_each(size_t count) {
  return 1 - (1 - kComparisonConfidence) / static_cast<double>(std::max<size_t>(count, 1));
}

bool is_beyond(const Interval& ratio, double share) { return ratio.low > 1 + share; }

ReportComparison compare_spectra(const SpectrumResult& a, const SpectrumResult& b, double regression) {
  const SeriesResult *const of_a = find_series(a, "probabilities"), *const of_b =
                                                                        find_series(b, "probabilities");
  if (of_a == nullptr || of_b == nullptr || a.sequences == 0 || b.sequences == 0) {
    throw Error(ErrorCode::kUsage, {.subject = "--compare",
                                    .found = "a spectrum without P, or of no sequence",
                                    .expected = "analyses with statistics of P"});
  }
  ReportComparison comparison;
  std::vector<std::pair<size_t, size_t>> common;  // where a statistic is, in a and in b
  for (size_t i = 0; i < a.statistics.size(); ++i) {
    const auto same = std::ranges::find(b.statistics, a.statistics[i]);
    if (same == b.statistics.end())
      comparison.only_one_side.push_back(a.statistics[i]);
    else
      common.emplace_back(i, same - b.statistics.begin());
  }
  std::vector<Pair> pairs;
  const auto add = [&](const std::string& part, const StatisticsOf& one, const StatisticsOf& other) {
    for (const auto& [in_a, in_b] : common)
      pairs.push_back({part + ", " + a.statistics[in_a], &one.statistics[in_a], &other.statistics[in_b]});
  };
  add("all layers", of_a->model, of_b->model);
  for (size_t i = 0; a.layers == b.layers && i < a.layers.size(); ++i)
    add(fmt::format("layer {}", a.layers[i]), of_a->layers[i], of_b->layers[i]);
  comparison.values = compare_pairs(pairs, {a.units, a.confidence}, {b.units, b.confidence});
  for (ComparedValue& value : comparison.values) {
    if (!value.interval) continue;
    const Interval inverse{1 / value.interval->high, 1 / value.interval->low};
    value.regression = is_beyond(*value.interval, regression) || is_beyond(inverse, regression);
  }
  return comparison;
}

ReportComparison compare_accuracies(const AccuracyResult& a, const AccuracyResult& b, double regression) {
  const auto named = [](const AccuracyResult& result, const std::string& name) {
    return std::ranges::find(result.cells, name, [](const CellAccuracy& cell) { return cell.cell.name; });
  };
  ReportComparison comparison;
  std::vector<Pair> pairs;
  for (const CellAccuracy& one : a.cells) {
    const std::string& name = one.cell.name;
    const auto other = named(b, name);
    if (other == b.cells.end()) {
      comparison.only_one_side.push_back(name);
      continue;
    }
    pairs.push_back({name + ", output error", &one.model.output_error, &other->model.output_error});
    if (!one.all_replaced || !other->all_replaced) continue;
    const ModelAccuracy &of_a = *one.all_replaced, &of_b = *other->all_replaced;
    pairs.push_back({name + ", hidden error", &of_a.hidden_error, &of_b.hidden_error});
    if (of_a.loss_increase && of_b.loss_increase)
      pairs.push_back({name + ", loss +", &*of_a.loss_increase, &*of_b.loss_increase});
  }
  for (const CellAccuracy& cell : b.cells)
    if (named(a, cell.cell.name) == a.cells.end()) comparison.only_one_side.push_back(cell.cell.name);
  comparison.values = compare_pairs(pairs, {a.units, a.confidence}, {b.units, b.confidence});
  for (ComparedValue& value : comparison.values)
    value.regression = value.interval && is_beyond(*value.interval, regression);
  return comparison;
}

}  // namespace linformer
