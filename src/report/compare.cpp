// SPDX-License-Identifier: MIT
#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "report/accuracy_read.h"
#include "report/bench_read.h"
#include "report/compare_summaries.h"
#include "report/numbers.h"
#include "report/spectrum_read.h"
#include "report/welch.h"

namespace linformer {
namespace {

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
                      .verdict = kNothingSure};
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

}  // namespace

ReportComparison compare_reports(const std::vector<ReportFile>& a, const std::vector<ReportFile>& b,
                                 double regression) {
  const ReportKind kind = a.front().kind;
  if (kind == ReportKind::kBench) return compare_benches(read_benches(a), read_benches(b), regression);
  if (kind != ReportKind::kSpectrum && kind != ReportKind::kAccuracy) {
    throw Error(
        ErrorCode::kUsage,
        {.subject = "--compare",
         .found = "reports of " + a.front().root()["schema"].text(),
         .expected = "those of bench, analyze-spectrum or accuracy, which have values to be compared"});
  }
  if (a.size() + b.size() > 2) {
    throw Error(ErrorCode::kUsage, {.subject = "--compare",
                                    .found = "several spectra or accuracies a side",
                                    .expected = "one a side: what is run again is the same"});
  }
  if (kind == ReportKind::kAccuracy)
    return compare_accuracies(read_accuracy(a.front()), read_accuracy(b.front()), regression);
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
