// SPDX-License-Identifier: MIT
#include "report/accuracy_json.h"

#include <string_view>

#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNoWeight = "infinite: P has weight where what replaces it has none";
constexpr std::string_view kTooFew = "fewer than 5 units";
constexpr std::string_view kNoLoss = "no language-model head, nothing to mask, or left out";

std::string_view reason_of(const AccuracyResult& result) {
  return result.sequences == 0 ? "no sequence was evaluated" : kNoWeight;
}

Json summary_json(const Summary& summary, const AccuracyResult& result) {
  Json json = Json::object();
  set_number(json, "mean", summary.mean, reason_of(result));
  set_interval(json, "interval", summary.interval, kTooFew);
  set_number(json, "median", summary.median, reason_of(result));
  set_number(json, "p95", summary.p95, reason_of(result));
  set_number(json, "max", summary.max, reason_of(result));
  return json;
}

Json accuracy_json(const HeadAccuracy& accuracy, const AccuracyResult& result) {
  Json json = {{"output_error", summary_json(accuracy.output_error, result)},
               {"skill", summary_json(accuracy.skill, result)}};
  if (accuracy.divergence) json["divergence_nats"] = summary_json(*accuracy.divergence, result);
  return json;
}

// Means alone: there are many.
Json head_json(int64_t head, const HeadAccuracy& accuracy, const AccuracyResult& result) {
  Json json = {{"head", head}};
  set_number(json, "output_error", accuracy.output_error.mean, reason_of(result));
  set_number(json, "skill", accuracy.skill.mean, reason_of(result));
  if (accuracy.divergence) set_number(json, "divergence_nats", accuracy.divergence->mean, reason_of(result));
  return json;
}

Json model_json(const ModelAccuracy& of, const AccuracyResult& result) {
  Json json = {{"hidden_error", summary_json(of.hidden_error, result)}};
  if (of.loss_increase) json["loss_increase_nats"] = summary_json(*of.loss_increase, result);
  if (of.agreement) json["agreement"] = summary_json(*of.agreement, result);
  return json;
}

Json layer_json(const CellAccuracy& cell, size_t i, const AccuracyResult& result) {
  Json json = {{"layer", result.layers[i]}};
  json.update(accuracy_json(cell.layers[i], result));
  if (!cell.untrained_layers.empty()) json["untrained"] = accuracy_json(cell.untrained_layers[i], result);
  if (!cell.one_replaced.empty()) json["replaced_alone"] = model_json(cell.one_replaced[i], result);
  json["heads"] = Json::array();
  for (size_t j = 0; j < result.heads.size(); ++j)
    json["heads"].push_back(head_json(result.heads[j], cell.heads[i][j], result));
  return json;
}

Json cell_json(const CellAccuracy& cell, const AccuracyResult& result) {
  Json json = {{"name", cell.cell.name}, {"method", cell.cell.method}};
  json["k"] = cell.cell.k == 0 ? Json() : Json(cell.cell.k);
  if (cell.cell.k == 0) json["k_reason"] = "it has none";
  json["kind"] = cell.cell.kind;
  json["calibrated"] = cell.cell.calibrated;
  json["model"] = accuracy_json(cell.model, result);
  if (cell.untrained) json["untrained"] = accuracy_json(*cell.untrained, result);
  if (cell.all_replaced) json["all_replaced"] = model_json(*cell.all_replaced, result);
  json["layers"] = Json::array();
  for (size_t i = 0; i < result.layers.size(); ++i) json["layers"].push_back(layer_json(cell, i, result));
  return json;
}

}  // namespace

Json accuracy_results(const AccuracyResult& result) {
  Json json = {{"sequences", result.sequences},
               {"units", result.units},
               {"unit", result.unit},
               {"confidence", result.confidence},
               {"calibration_sequences", result.calibration_sequences},
               {"calibration_documents", result.calibration_documents},
               {"length", result.length},
               {"head_size", result.head_size},
               {"layers", result.layers},
               {"heads", result.heads}};
  set_text(json, "loss_name", result.loss_name, kNoLoss);
  json["loss_nats"] = result.loss ? summary_json(*result.loss, result) : Json();
  if (!result.loss) json["loss_nats_reason"] = result.loss_name.empty() ? kNoLoss : reason_of(result);
  json["cells"] = Json::array();
  for (const CellAccuracy& cell : result.cells) json["cells"].push_back(cell_json(cell, result));
  return json;
}

Json accuracy_report(const ReportContext& context, const AccuracyReportInput& input,
                     const AccuracyResult& result) {
  ReportContext own = context;
  own.schema = kAccuracySchema;
  Json report = make_envelope(own);
  report["input"] = input.input;
  report["identity"] = input.identity;
  report["method"] = input.method;
  report["complete"] = result.complete;
  report["planned_sequences"] = result.planned_sequences;
  report["results"] = accuracy_results(result);
  report["checks"] = {{"passed", result.checks.passed()}, {"exact_cells", result.checks.exact_cells}};
  set_number(report["checks"], "largest_exact_error", result.checks.largest_exact_error);
  set_number(report["checks"], "tolerance", kExactTolerance);
  Json& phases = report["phases"] = Json::object();
  set_number(phases, "load_seconds", result.seconds.load);
  set_number(phases, "calibration_seconds", result.seconds.calibration);
  set_number(phases, "total_seconds", result.seconds.total);
  set_text(report, "fitted", input.fitted, "not written");
  return report;
}

}  // namespace linformer
