// SPDX-License-Identifier: MIT
#include "report/spectrum_json.h"

#include <cmath>

#include "report/attention_maps_json.h"
#include "report/certified.h"
#include "report/headline.h"
#include "report/numbers.h"
#include "report/spectrum_view.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kUnequal = "the sequences differ in length";
constexpr std::string_view kNoSequence = "no sequence was analysed";
constexpr std::string_view kNoMatrix = "no matrices";

Json summary_json(const Summary& summary, const SpectrumResult& result) {
  const std::string_view reason = result.sequences == 0 ? kNoSequence : kNotFinite;
  Json json = Json::object();
  set_number(json, "mean", summary.mean, reason);
  set_interval(json, "interval", summary.interval, interval_reason(result));
  set_number(json, "median", summary.median, reason);
  set_number(json, "p95", summary.p95, reason);
  set_number(json, "max", summary.max, reason);
  return json;
}

// Adds `curves`, to six decimals; nothing where there are none.
void add_curves(Json& json, const Curves& curves) {
  if (curves.cumulative.empty()) return;
  const auto rounded = [](const std::vector<double>& curve) {
    Json values = Json::array();
    for (const double value : curve) values.push_back(std::round(value * 1e6) / 1e6);
    return values;
  };
  json["curves"] = {{"cumulative", rounded(curves.cumulative)}, {"energy", rounded(curves.energy)}};
}

// Adds `statistics`, `mean_curve_k` and `curves`.
void add_statistics(Json& json, const StatisticsOf& of, const SpectrumResult& result) {
  Json& statistics = json["statistics"] = Json::object();
  for (size_t i = 0; i < result.statistics.size(); ++i)
    statistics[result.statistics[i]] = summary_json(of.statistics[i], result);
  Json& k = json["mean_curve_k"] = Json::object();
  for (size_t i = 0; i < of.mean_curve_k.size(); ++i) k[kMeanCurveNames[i]] = of.mean_curve_k[i];
  add_curves(json, of.curves);
}

Json series_json(const SeriesResult& series, const SpectrumResult& result) {
  Json json = {{"name", series.name}, {"model", Json::object()}, {"layers", Json::array()}};
  add_statistics(json["model"], series.model, result);
  for (size_t i = 0; i < series.layers.size(); ++i) {
    Json layer = {{"layer", result.layers[i]}};
    add_statistics(layer, series.layers[i], result);
    Json& heads = layer["heads"] = Json::array();
    if (!series.heads.empty()) {
      for (size_t j = 0; j < series.heads[i].size(); ++j) {
        Json head = {{"head", result.heads[j]}};
        add_statistics(head, series.heads[i][j], result);
        heads.push_back(std::move(head));
      }
    }
    json["layers"].push_back(std::move(layer));
  }
  return json;
}

Json comparison_json(const Comparison& comparison, const SpectrumResult& result) {
  const auto statistic = find_statistic(result, "cumulative_at");
  Json json = {{"control", comparison.control}};
  set_text(json, "statistic", statistic ? result.statistics[*statistic] : "", "not among the statistics");
  json["model"] = {{"difference", summary_json(comparison.model, result)}};
  json["layers"] = Json::array();
  for (size_t i = 0; i < comparison.layers.size(); ++i) {
    Json layer = {{"layer", result.layers[i]},
                  {"verdict", verdict_name(comparison.verdicts[i])},
                  {"difference", summary_json(comparison.layers[i], result)},
                  {"heads", Json::array()}};
    if (!comparison.heads.empty()) {
      for (size_t j = 0; j < comparison.heads[i].size(); ++j) {
        layer["heads"].push_back(
            {{"head", result.heads[j]}, {"difference", summary_json(comparison.heads[i][j], result)}});
      }
    }
    json["layers"].push_back(std::move(layer));
  }
  return json;
}

Json checks_json(const SpectrumChecks& checks) {
  Json json = {{"passed", checks.passed}, {"matrices", checks.matrices}};
  set_number(json, "largest_norm_error",
             checks.matrices > 0 ? std::optional(checks.largest_norm_error) : std::nullopt, kNoMatrix);
  set_number(json, "smallest_sigma1", checks.smallest_sigma1, kNoMatrix);
  set_number(json, "smallest_sigma1_ratio", checks.smallest_sigma1_ratio, kNoMatrix);
  json["verified"] = checks.verified;
  const bool any = checks.verified > 0;
  set_number(json, "largest_verified_error",
             any ? std::optional(checks.largest_verified_error) : std::nullopt,
             "no matrix was computed again");
  set_number(json, "tolerance", checks.tolerance);
  return json;
}

Json phases_json(const SpectrumSeconds& seconds) {
  Json json = Json::object();
  set_number(json, "load_seconds", seconds.load);
  set_number(json, "forward_seconds", seconds.forward);
  set_number(json, "softmax_seconds", seconds.softmax);
  set_number(json, "singular_values_seconds", seconds.singular_values);
  set_number(json, "singular_values_idle_share", seconds.idle_share());
  set_number(json, "statistics_seconds", seconds.statistics);
  set_number(json, "controls_seconds", seconds.controls);
  set_number(json, "verify_seconds", seconds.verify);
  set_number(json, "total_seconds", seconds.total);
  return json;
}

}  // namespace

Json spectrum_results(const SpectrumResult& result) {
  check_shape(result);
  Json json = {{"sequences", result.sequences}, {"units", result.units}, {"unit", result.unit}};
  set_number(json, "confidence", result.confidence);
  json["causal"] = result.causal;
  const bool equal = result.equal_length;
  json["equal_length"] = equal;
  for (const auto& [key, value] : {std::pair("length", result.length), std::pair("at", result.at)}) {
    json[key] = equal ? Json(value) : Json(nullptr);
    if (!equal) json[std::string(key) + "_reason"] = kUnequal;
  }
  set_number(json, "at_share", result.at_share);
  json["layers"] = result.layers;
  json["heads"] = result.heads;
  json["statistics"] = result.statistics;
  for (const double at : result.curves_at)
    json["curves_at"].push_back(equal ? Json(static_cast<int64_t>(at)) : Json(at));
  json["series"] = Json::array();
  for (const SeriesResult& series : result.series) json["series"].push_back(series_json(series, result));
  json["comparisons"] = Json::array();
  for (const Comparison& comparison : result.comparisons)
    json["comparisons"].push_back(comparison_json(comparison, result));
  if (!result.certified.empty()) json["certified"] = certified_json(result);
  json["layer_slopes"] = Json::array();
  for (const LayerSlope& slope : result.layer_slopes)
    json["layer_slopes"].push_back({{"of", slope.of}, {"slope", summary_json(slope.slope, result)}});
  if (result.attention_maps) json["attention_maps"] = attention_maps_json(result);
  return json;
}

Json spectrum_report(const ReportContext& context, const SpectrumReportInput& input,
                     const SpectrumResult& result) {
  ReportContext own = context;
  own.schema = kSpectrumSchema;
  Json report = make_envelope(own);
  report["input"] = input.input;
  report["identity"] = input.identity;
  report["method"] = input.method;
  report["complete"] = result.complete;
  report["stopped_because"] = result.stopped_because;
  report["planned_sequences"] = result.planned_sequences;
  report["summary"] = result.certified.empty() ? headline(result, result.causal) : certified_headline(result);
  report["results"] = spectrum_results(result);
  report["checks"] = checks_json(result.checks);
  report["phases"] = phases_json(result.seconds);
  set_text(report, "curves_csv", input.curves_csv.value_or(""), "not written");
  set_text(report, "spectra", input.spectra.value_or(""), "not written");
  return report;
}

}  // namespace linformer
