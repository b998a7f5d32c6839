// SPDX-License-Identifier: MIT
#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/student_t.h"
#include "report/bench_read.h"
#include "report/numbers.h"
#include "report/spectrum_read.h"
#include "report/spectrum_view.h"
#include "report/welch.h"

namespace linformer {
namespace {

constexpr const char* kNothing = "~";

// Each of `count` intervals, so that all together hold.
double level_of_each(size_t count) {
  return 1 - (1 - kComparisonConfidence) / static_cast<double>(std::max<size_t>(count, 1));
}

bool is_beyond(const Interval& ratio, double share) { return ratio.low > 1 + share; }

// Medians of launches, or all of their samples, as logarithms.
struct CellSide {
  std::vector<double> medians, samples;
};

CellSide side_of(const std::vector<BenchResult>& launches, const std::string& cell) {
  CellSide side;
  for (const BenchResult& launch : launches) {
    for (const CellResult& result : launch.cells) {
      if (!result.measured() || name_of(result.cell) != cell) continue;
      side.medians.push_back(std::log(result.median_ns));
      for (const double sample : result.samples_ns) side.samples.push_back(std::log(sample));
    }
  }
  return side;
}

// In the order of the first launch that has them.
std::vector<std::string> cells_of(const std::vector<BenchResult>& launches) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const BenchResult& launch : launches) {
    for (const CellResult& result : launch.cells) {
      if (result.measured() && seen.insert(name_of(result.cell)).second)
        names.push_back(name_of(result.cell));
    }
  }
  return names;
}

ComparedValue compare_cell(const std::string& cell, const CellSide& a, const CellSide& b, bool between,
                           double level, double regression) {
  const Estimate median_a = estimate_of(a.medians), median_b = estimate_of(b.medians);
  ComparedValue value{.what = cell,
                      .a = std::exp(median_a.mean),
                      .b = std::exp(median_b.mean),
                      .ratio = std::exp(median_b.mean - median_a.mean),
                      .interval = {},
                      .verdict = kNothing};
  const auto interval = between ? difference_interval(median_a, median_b, level)
                                : difference_interval(estimate_of(a.samples), estimate_of(b.samples), level);
  if (interval) value.interval = Interval{std::exp(interval->low), std::exp(interval->high)};
  value.regression = value.interval && is_beyond(*value.interval, regression);
  if (!between) {
    value.verdict = "between-run variance unknown";
  } else if (value.interval && value.interval->low > 1) {
    value.verdict = "slower";
  } else if (value.interval && value.interval->high < 1) {
    value.verdict = "faster";
  }
  return value;
}

std::vector<BenchResult> read_benches(const std::vector<ReportFile>& files) {
  std::vector<BenchResult> results;
  for (const ReportFile& file : files) results.push_back(read_bench(file));
  return results;
}

ReportComparison compare_benches(const std::vector<BenchResult>& a, const std::vector<BenchResult>& b,
                                 double regression) {
  ReportComparison comparison;
  comparison.between_launches = std::min(a.size(), b.size()) >= kLeastLaunches;
  const std::vector<std::string> cells = cells_of(a), others = cells_of(b);
  std::vector<std::string> common;
  for (const std::string& cell : cells) {
    const bool both = std::ranges::find(others, cell) != others.end();
    (both ? common : comparison.only_one_side).push_back(cell);
  }
  for (const std::string& cell : others)
    if (std::ranges::find(cells, cell) == cells.end()) comparison.only_one_side.push_back(cell);
  for (const std::string& cell : common) {
    comparison.values.push_back(compare_cell(cell, side_of(a, cell), side_of(b, cell),
                                             comparison.between_launches, level_of_each(common.size()),
                                             regression));
  }
  return comparison;
}

// On the logarithmic scale, as the interval tells it; no freedom where there is none.
Estimate logarithm_of(const Summary& summary, const SpectrumResult& result) {
  Estimate estimate{.mean = std::log(summary.mean), .error = 0, .freedom = 0};
  if (!summary.interval || !(summary.mean > 0) || result.units < 2) return estimate;
  estimate.freedom = static_cast<double>(result.units - 1);
  const double t = student_t_quantile((1 + result.confidence) / 2, estimate.freedom);
  estimate.error = (summary.interval->high - summary.interval->low) / 2 / t / summary.mean;
  return estimate;
}

ReportComparison compare_spectra(const SpectrumResult& a, const SpectrumResult& b, double regression) {
  const SeriesResult *const of_a = find_series(a, "probabilities"), *const of_b =
                                                                        find_series(b, "probabilities");
  ReportComparison comparison;
  if (of_a == nullptr || of_b == nullptr || a.sequences == 0 || b.sequences == 0) return comparison;
  std::vector<std::string> statistics;
  for (const std::string& name : a.statistics)
    (std::ranges::find(b.statistics, name) != b.statistics.end() ? statistics : comparison.only_one_side)
        .push_back(name);
  const bool same_layers = a.layers == b.layers;
  const double level = level_of_each(statistics.size() * (1 + (same_layers ? a.layers.size() : 0)));
  const auto add = [&](const std::string& part, const StatisticsOf& one, const StatisticsOf& other) {
    for (const std::string& name : statistics) {
      const Summary& x = one.statistics[*find_statistic(a, name)];
      const Summary& y = other.statistics[*find_statistic(b, name)];
      ComparedValue value{.what = part + ", " + name,
                          .a = x.mean,
                          .b = y.mean,
                          .ratio = y.mean / x.mean,
                          .interval = {},
                          .verdict = "too few units"};
      if (const auto log = difference_interval(logarithm_of(x, a), logarithm_of(y, b), level)) {
        value.interval = Interval{std::exp(log->low), std::exp(log->high)};
        value.verdict = log->low > 0 ? "higher" : log->high < 0 ? "lower" : kNothing;
        const Interval inverse{1 / value.interval->high, 1 / value.interval->low};
        value.regression = is_beyond(*value.interval, regression) || is_beyond(inverse, regression);
      }
      comparison.values.push_back(std::move(value));
    }
  };
  add("all layers", of_a->model, of_b->model);
  for (size_t i = 0; same_layers && i < a.layers.size(); ++i)
    add(fmt::format("layer {}", a.layers[i]), of_a->layers[i], of_b->layers[i]);
  return comparison;
}

}  // namespace

ReportComparison compare_reports(const std::vector<ReportFile>& a, const std::vector<ReportFile>& b,
                                 double regression) {
  if (a.front().kind == ReportKind::kBench)
    return compare_benches(read_benches(a), read_benches(b), regression);
  if (a.front().kind == ReportKind::kReproduction) {
    throw Error(ErrorCode::kUsage, {.subject = "--compare",
                                    .found = "reports of reproduce",
                                    .expected = "those of analyze-spectrum or bench beside them"});
  }
  if (a.size() + b.size() > 2) {
    throw Error(ErrorCode::kUsage, {.subject = "--compare",
                                    .found = "several spectra a side",
                                    .expected = "one a side: a spectrum that is run again is the same"});
  }
  return compare_spectra(read_spectrum(a.front()), read_spectrum(b.front()), regression);
}

Table comparison_table(const ReportComparison& comparison) {
  Table table{
      .title = fmt::format("B over A, intervals at {:.0f} % for all together", 100 * kComparisonConfidence),
      .columns = {{"", Align::kLeft}, {"A"}, {"B"}, {"ratio"}, {"interval"}, {"verdict", Align::kLeft}},
      .rows = {}};
  for (const ComparedValue& value : comparison.values) {
    table.rows.push_back(
        {value.what, fmt::format("{:.4g}", value.a), fmt::format("{:.4g}", value.b), fixed(value.ratio, 3),
         value.interval ? fmt::format("{}..{}", fixed(value.interval->low, 3), fixed(value.interval->high, 3))
                        : "",
         value.regression ? value.verdict + ", regression" : value.verdict});
  }
  return table;
}

}  // namespace linformer
