// SPDX-License-Identifier: MIT
#include "report/compare.h"

#include <cmath>

#include "catch.h"
#include "io/error_of.h"
#include "report/made_accuracy.h"
#include "report/made_bench.h"
#include "report/made_result.h"
#include "report/reopened.h"
#include "report/welch.h"

namespace linformer {
namespace {

ReportFile bench_of(double factor) {
  BenchResult result = made_bench();
  CellResult& cell = result.cells.front();
  cell.median_ns *= factor;
  for (double& sample : cell.samples_ns) sample *= factor;
  return reopened(made_report(result));
}

std::vector<ReportFile> launches(double factor) {
  std::vector<ReportFile> files;
  for (const double noise : {0.99, 1.0, 1.01, 1.0, 0.995}) files.push_back(bench_of(factor * noise));
  return files;
}

}  // namespace

TEST_CASE("Welch's interval is the textbook one") {
  // 1..5 against 3..7: difference 2, standard error 1, 8 degrees of freedom.
  const std::vector<double> a = {1, 2, 3, 4, 5}, b = {3, 4, 5, 6, 7};
  const auto interval = difference_interval(estimate_of(a), estimate_of(b), 0.95);
  REQUIRE(interval);
  CHECK(interval->low == Approx(2 - 2.306004135));
  CHECK(interval->high == Approx(2 + 2.306004135));
  CHECK_FALSE(difference_interval(estimate_of(std::vector<double>{1}), estimate_of(b), 0.95));
  const std::vector<double> same = {1, 1};
  CHECK(difference_interval(estimate_of(same), estimate_of(same), 0.95)->high == 0);
}

TEST_CASE("Five launches a side tell slower from faster and from neither") {
  const ReportComparison slower = compare_reports(launches(1), launches(1.2), 0.05);
  REQUIRE(slower.values.size() == 1);
  CHECK(slower.between_launches);
  CHECK(slower.values[0].ratio == Approx(1.2));
  CHECK(slower.values[0].verdict == "slower");
  CHECK(slower.values[0].regression);
  CHECK(slower.values[0].interval->low > 1.15);
  CHECK_FALSE(compare_reports(launches(1), launches(1.2), 0.25).values[0].regression);
  CHECK(compare_reports(launches(1), launches(0.8), 0.05).values[0].verdict == "faster");
  CHECK(compare_reports(launches(1), launches(1.001), 0.05).values[0].verdict == "~");
}

TEST_CASE("Fewer launches say that what differs between them is not known") {
  const auto value = [](double factor) {
    return compare_reports({bench_of(1)}, {bench_of(factor)}, 0.05).values.at(0);
  };
  CHECK(value(3).verdict == "between-run variance unknown");
  CHECK(value(3).regression);
  CHECK_FALSE(value(1.1).regression);
  CHECK(value(1.1).interval->low < 1);
}

TEST_CASE("Cells that one side lacks are named, not compared") {
  BenchResult other = made_bench();
  other.cells.front().cell.length = 1024;
  other.crossovers.clear();
  other.scaling.clear();
  const ReportComparison comparison = compare_reports({bench_of(1)}, {reopened(made_report(other))}, 0.05);
  CHECK(comparison.values.empty());
  CHECK(comparison.only_one_side.size() == 2);
}

TEST_CASE("Intervals widen with the number of values that are compared") {
  BenchResult more = made_bench();
  more.cells.push_back(more.cells.front());
  more.cells.back().cell.length = 2048;
  const ReportFile two = reopened(made_report(more));
  const ReportComparison one = compare_reports({bench_of(1)}, {bench_of(1)}, 0.05);
  const ReportComparison both = compare_reports({two}, {two}, 0.05);
  REQUIRE(both.values.size() == 2);
  CHECK(both.values[0].interval->high > one.values[0].interval->high);
}

TEST_CASE("Spectra are compared statistic by statistic, and a change beyond the share either way counts") {
  SpectrumResult changed = made_result();
  Summary& rank = changed.series[0].layers[1].statistics[3];
  rank = {.mean = rank.mean / 4,
          .interval = Interval{rank.mean / 4 - 0.0625, rank.mean / 4 + 0.0625},
          .median = 1,
          .p95 = 1,
          .max = 1};
  const ReportFile a = reopened(made_report(made_result())), b = reopened(made_report(changed));
  const ReportComparison comparison = compare_reports({a}, {b}, 0.05);
  CHECK(comparison.values.size() == 5 * 5);
  size_t regressions = 0;
  for (const ComparedValue& value : comparison.values) {
    regressions += value.regression;
    if (!value.regression) CHECK(value.verdict == "~");
    if (value.regression) CHECK(value.what == "layer 2, effective_rank");
    if (value.regression) CHECK(value.verdict == "lower");
  }
  CHECK(regressions == 1);
  CHECK(code_of([&] { compare_reports({a, a}, {b}, 0.05); }) == 2);
  const ReportFile few = reopened(made_report(made_result_of_few()));
  CHECK(compare_reports({a}, {few}, 0.05).values[0].verdict == "too few units");
}

TEST_CASE("A statistic is compared with itself, not with one whose name begins in the same way") {
  SpectrumResult result = made_result();
  result.statistics[3] = "sigma1_energy_share";
  result.statistics[4] = "sigma1";
  const ReportFile file = reopened(made_report(result));
  const ReportComparison comparison = compare_reports({file}, {file}, 0.05);
  REQUIRE(comparison.values[4].what == "all layers, sigma1");
  CHECK(comparison.values[4].a == result.series[0].model.statistics[4].mean);
  CHECK(comparison.values[4].a != result.series[0].model.statistics[3].mean);
}

TEST_CASE("Accuracies are compared replacement by replacement, and only a larger error counts") {
  const auto with_errors = [](double factor) {
    AccuracyResult result = made_accuracy();
    for (CellAccuracy& cell : result.cells) {
      Summary& error = cell.model.output_error;
      error.mean *= factor;
      error.interval = Interval{error.mean - 0.001, error.mean + 0.001};
    }
    return reopened(made_report(result));
  };
  const auto compared = [&](double factor) {
    return compare_reports({with_errors(1)}, {with_errors(factor)}, 0.05);
  };
  const ReportComparison larger = compared(1.25);
  REQUIRE(larger.values.size() == 3 * 3);
  CHECK(larger.values[0].what == "mean-v, output error");
  CHECK(larger.values[2].what == "mean-v, loss +");
  CHECK(larger.values[3].ratio == Approx(1.25));
  CHECK(larger.values[3].verdict == "higher");
  CHECK(larger.values[3].regression);
  CHECK(larger.values[4].verdict == "~");
  CHECK(compared(0.75).values[3].verdict == "lower");
  CHECK_FALSE(compared(0.75).values[3].regression);
  AccuracyResult fewer = made_accuracy();
  fewer.cells.pop_back();
  const ReportComparison one_side = compare_reports({reopened(made_report(fewer))}, {with_errors(1)}, 0.05);
  CHECK(one_side.only_one_side == std::vector<std::string>{"svd:k=8"});
  CHECK(differences_between({with_errors(1)}, {reopened(made_report(fewer))}).empty());
  CHECK(code_of([] {
          compare_reports({reopened(made_report(made_advice()))}, {reopened(made_report(made_advice()))}, 0);
        }) == 2);
}

TEST_CASE("Other machines and inputs are named, other kinds are refused") {
  const ReportFile a = bench_of(1);
  CHECK(differences_between({a}, {bench_of(2)}).empty());
  auto report = made_report(made_bench());
  report["machine"]["cpu"] = "another";
  report["method"]["model"] = "large";
  const std::vector<std::string> found = differences_between({a}, {reopened(report)});
  REQUIRE(found.size() == 2);
  CHECK(contains(found[0], "machine.cpu: "));
  CHECK(contains(found[1], "method.model: missing in "));
  auto spectrum = made_report(made_result());
  spectrum["input"]["fingerprint"] = "ff";
  const ReportFile s = reopened(made_report(made_result()));
  CHECK(contains(differences_between({s}, {reopened(spectrum)}).at(0), "input.fingerprint"));
  CHECK(code_of([&] { differences_between({a}, {s}); }) == 2);
}

TEST_CASE("A row of the comparison has both sides, the ratio, its interval and the verdict") {
  const Table table = comparison_table(compare_reports(launches(1), launches(1.2), 0.05));
  REQUIRE(table.rows.size() == 1);
  CHECK(table.rows[0][3] == "1.200");
  CHECK(contains(table.rows[0][4], ".."));
  CHECK(table.rows[0][5] == "slower, regression");
}

}  // namespace linformer
