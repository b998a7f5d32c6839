// SPDX-License-Identifier: MIT
#include "report/advise_json.h"

#include <optional>
#include <string_view>

#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

Json layer_json(const LayerAdvice& layer) {
  Json json = {{"layer", layer.layer}};
  set_number(json, "cumulative", layer.cumulative, "the spectrum lacks the layer");
  json["k"] = layer.k ? Json(*layer.k) : Json();
  if (!layer.k) json["k_reason"] = "nothing that was tried is near enough";
  set_text(json, "cell", layer.cell, "it stays exact");
  set_number(json, "increase", layer.increase);
  set_number(json, "least_increase", layer.least, "nothing was tried");
  return json;
}

Json point_json(const AdvisedPoint& point) {
  Json json = {{"name", point.name}, {"k_of_layers", point.ks}, {"good_enough", point.good_enough}};
  set_number(json, "increase", point.increase);
  json["increase_estimated"] = point.increase_estimated;
  set_interval(json, "increase_interval", point.increase_interval,
               point.increase_estimated ? "not measured as such" : "fewer than 5 units");
  set_number(json, "time_ns", point.ns);
  json["time_estimated"] = point.estimated;
  set_number(json, "speed_up", point.speed_up);
  set_interval(json, "speed_up_interval", point.speed_up_interval, "not measured as such");
  json["bytes"] = point.bytes;
  json["pareto"] = point.pareto;
  return json;
}

}  // namespace

Json advise_report(const ReportContext& context, const AdviseReportInput& input, const AdviceResult& result) {
  ReportContext own = context;
  own.schema = kAdviseSchema;
  Json report = make_envelope(own);
  report["input"] = input.input;
  report["method"] = input.method;
  Json& results = report["results"] = {{"goal", result.goal.of_loss ? "loss" : "hidden_error"},
                                       {"goal_increase", result.goal.increase},
                                       {"length", result.length},
                                       {"sequences", result.sequences}};
  set_number(results, "loss_nats", result.loss, "no language-model head, or nothing to mask");
  results["layers"] = Json::array();
  for (const LayerAdvice& layer : result.layers) results["layers"].push_back(layer_json(layer));
  results["points"] = Json::array();
  for (const AdvisedPoint& point : result.points) results["points"].push_back(point_json(point));
  set_text(results, "crossover_mechanism", result.crossover_mechanism, "not measured");
  set_number(results, "crossover_length", result.crossover_length, result.crossover_reason);
  constexpr std::string_view kNoRival = "no local window that was tried is near enough";
  set_text(results, "rival", result.rival, kNoRival);
  set_number(results, "rival_increase",
             result.rival.empty() ? std::nullopt : std::optional(result.rival_increase), kNoRival);
  results["worthwhile"] = result.worthwhile;
  results["verdict"] = result.verdict;
  return report;
}

}  // namespace linformer
