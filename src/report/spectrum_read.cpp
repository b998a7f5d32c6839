// SPDX-License-Identifier: MIT
#include "report/spectrum_read.h"

#include <algorithm>
#include <filesystem>

#include "report/attention_maps_json.h"
#include "report/certified_read.h"
#include "report/spectrum_view.h"
#include "report/summary_read.h"

namespace linformer {
namespace {

std::vector<double> read_curve(const Field& field, const SpectrumResult& result) {
  field.items(result.curves_at.size());
  return field.numbers();
}

StatisticsOf read_statistics(const Field& field, const SpectrumResult& result) {
  StatisticsOf of;
  const Field statistics = field["statistics"];
  for (const std::string& name : result.statistics) of.statistics.push_back(read_summary(statistics[name]));
  const Field k = field["mean_curve_k"];
  if (k.find(kMeanCurveNames.front()))
    for (const char* name : kMeanCurveNames) of.mean_curve_k.push_back(k[name].integer());
  if (const auto curves = field.find("curves")) {
    of.curves.cumulative = read_curve((*curves)["cumulative"], result);
    of.curves.energy = read_curve((*curves)["energy"], result);
  }
  return of;
}

// The elements of an array that stand for `numbers`, as each says by `key`.
std::vector<Field> numbered(const Field& array, const char* key, const std::vector<int64_t>& numbers) {
  std::vector<Field> items = array.items(numbers.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const Field number = items[i][key];
    if (number.integer() != numbers[i]) number.fail(std::to_string(numbers[i]));
  }
  return items;
}

// Heads may be left out of a series that has none of its own.
std::vector<Field> heads_of(const Field& layer, const SpectrumResult& result) {
  const Field heads = layer["heads"];
  return heads.items().empty() ? std::vector<Field>{} : numbered(heads, "head", result.heads);
}

void require_heads_everywhere(size_t layers_with_heads, const Field& layers, const SpectrumResult& result) {
  if (layers_with_heads != 0 && layers_with_heads != result.layers.size())
    layers.fail("heads in all layers or in none");
}

SeriesResult read_series(const Field& field, const SpectrumResult& result) {
  SeriesResult series;
  series.name = field["name"].text();
  series.model = read_statistics(field["model"], result);
  for (const Field& layer : numbered(field["layers"], "layer", result.layers)) {
    series.layers.push_back(read_statistics(layer, result));
    std::vector<StatisticsOf> heads;
    for (const Field& head : heads_of(layer, result)) heads.push_back(read_statistics(head, result));
    if (!heads.empty()) series.heads.push_back(std::move(heads));
  }
  require_heads_everywhere(series.heads.size(), field["layers"], result);
  return series;
}

Verdict read_verdict(const Field& field) {
  const std::string name = field.text();
  for (const Verdict verdict :
       {Verdict::kLowerRank, Verdict::kSameRank, Verdict::kHigherRank, Verdict::kTooFewUnits}) {
    if (name == verdict_name(verdict)) return verdict;
  }
  field.fail("lower-rank, same-rank, higher-rank or too-few-units");
}

Comparison read_comparison(const Field& field, const SpectrumResult& result) {
  Comparison comparison;
  comparison.control = field["control"].text();
  comparison.model = read_summary(field["model"]["difference"]);
  for (const Field& layer : numbered(field["layers"], "layer", result.layers)) {
    comparison.verdicts.push_back(read_verdict(layer["verdict"]));
    comparison.layers.push_back(read_summary(layer["difference"]));
    std::vector<Summary> heads;
    for (const Field& head : heads_of(layer, result)) heads.push_back(read_summary(head["difference"]));
    if (!heads.empty()) comparison.heads.push_back(std::move(heads));
  }
  require_heads_everywhere(comparison.heads.size(), field["layers"], result);
  return comparison;
}

SpectrumChecks read_checks(const Field& field) {
  SpectrumChecks checks;
  checks.passed = field["passed"].boolean();
  checks.matrices = field["matrices"].integer();
  checks.largest_norm_error = field.find_number("largest_norm_error").value_or(0);
  checks.smallest_sigma1 = field.find_number("smallest_sigma1");
  checks.smallest_sigma1_ratio = field.find_number("smallest_sigma1_ratio");
  checks.verified = field["verified"].integer();
  checks.largest_verified_error = field.find_number("largest_verified_error").value_or(0);
  checks.tolerance = field["tolerance"].number();
  return checks;
}

// Some members are not in the first reports.
SpectrumSeconds read_seconds(const Field& field) {
  const auto later = [&](const char* name) { return field.find_number(name).value_or(0); };
  const double singular_values = field["singular_values_seconds"].number();
  return {.load = field["load_seconds"].number(),
          .forward = field["forward_seconds"].number(),
          .softmax = later("softmax_seconds"),
          .singular_values = singular_values,
          .idle = later("singular_values_idle_share") * singular_values,
          .statistics = later("statistics_seconds"),
          .controls = field["controls_seconds"].number(),
          .verify = field["verify_seconds"].number(),
          .total = field["total_seconds"].number()};
}

// What the series are read by.
void read_axes(const Field& field, SpectrumResult& result) {
  result.sequences = field["sequences"].integer();
  result.units = field["units"].integer();
  result.unit = field["unit"].text();
  result.confidence = field["confidence"].number();
  if (!(result.confidence > 0 && result.confidence < 1)) field["confidence"].fail("a share between 0 and 1");
  result.causal = field["causal"].boolean();
  result.equal_length = field["equal_length"].boolean();
  if (result.equal_length) {
    result.length = field["length"].integer();
    result.at = field["at"].integer();
  }
  result.at_share = field["at_share"].number();
  result.layers = field["layers"].integers();
  result.heads = field["heads"].integers();
  result.statistics = field["statistics"].texts();
  if (const auto at = field.find("curves_at")) result.curves_at = at->numbers();  // not in the first reports
}

}  // namespace

SpectrumResult read_spectrum(const ReportFile& file) {
  const Field root = file.root(), results = root["results"];
  SpectrumResult result;
  read_axes(results, result);
  for (const Field& series : results["series"].items()) result.series.push_back(read_series(series, result));
  for (const Field& comparison : results["comparisons"].items())
    result.comparisons.push_back(read_comparison(comparison, result));
  if (const auto slopes = results.find("layer_slopes")) {  // not in the first reports
    for (const Field& slope : slopes->items())
      result.layer_slopes.push_back({.of = slope["of"].text(), .slope = read_summary(slope["slope"])});
  }
  if (const auto certified = results.find("certified")) result.certified = read_certified(*certified);
  if (const auto maps = results.find("attention_maps"))
    result.attention_maps = read_attention_maps(*maps, result);
  result.complete = root["complete"].boolean();
  result.stopped_because = root["stopped_because"].text();
  result.planned_sequences = root["planned_sequences"].integer();
  result.checks = read_checks(root["checks"]);
  result.seconds = read_seconds(root["phases"]);
  return result;
}

bool take_curves_of_report(SpectrumResult& result) {
  const auto has_curves = [](const StatisticsOf& of) { return !of.curves.cumulative.empty(); };
  bool any = false;
  for (SeriesResult& series : result.series) {
    if (series.layers.empty() || !std::ranges::all_of(series.layers, has_curves)) continue;
    for (const StatisticsOf& layer : series.layers) series.layer_curves.push_back(layer.curves);
    any = true;
  }
  if (any) result.grid = result.curves_at;
  return any;
}

std::string curves_path(const ReportFile& file) {
  namespace fs = std::filesystem;
  const auto written = file.root().find("curves_csv");
  return written ? (fs::path(file.path).parent_path() / fs::path(written->text()).filename()).string() : "";
}

}  // namespace linformer
