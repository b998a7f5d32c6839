// SPDX-License-Identifier: MIT
#include "report/batch_fit_json.h"

#include <algorithm>

#include "report/bench_json.h"
#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

// A whole number, or null with the reason.
void set_integer(Json& json, const std::string& key, std::optional<int64_t> value,
                 const std::string& reason) {
  if (value) {
    json[key] = *value;
  } else {
    json[key] = nullptr;
    json[key + "_reason"] = reason;
  }
}

void add_sizes(Json& json, const BatchFit& fit) {
  const bool possible = fit.reason.empty();
  set_integer(json, "one_sequence_bytes", possible ? std::optional(fit.one_bytes) : std::nullopt, fit.reason);
  set_number(json, "bytes_per_sequence", possible ? std::optional(fit.bytes_per_sequence) : std::nullopt,
             fit.reason);
  set_integer(json, "largest_batch", fit.largest_batch, possible ? "not even one sequence fits" : fit.reason);
}

}  // namespace

Json batch_fit_cell_json(const BatchFit& fit, Level level) {
  const BenchCell& c = fit.cell;
  Json json = {{"mechanism", c.mechanism}, {"length", c.length}, {"heads", c.heads},
               {"head_size", c.head_size}, {"causal", c.causal}, {"dtype", name_of_dtype(c.dtype)},
               {"level", name_of(level)},  {"layers", c.layers}, {"threads", c.threads}};
  set_text(json, "reason", fit.reason, "it can be");
  json["probabilities_kept"] = fit.keeps_probabilities;
  json["logits_kept_beside"] = false;
  add_sizes(json, fit);
  json["measured"] = Json::array();
  for (const MeasuredBytes& m : fit.measured) {
    json["measured"].push_back(
        {{"batch", m.batch}, {"predicted_bytes", m.predicted}, {"measured_bytes", m.measured}});
  }
  if (!fit.measured_reason.empty()) json["measured_reason"] = fit.measured_reason;
  json["ratios"] = Json::array();
  for (const FitRatio& ratio : fit.ratios) {
    Json& one = json["ratios"].emplace_back(Json{{"reference", ratio.reference}});
    set_number(one, "largest_batch", ratio.batches, "one of the two fits no sequence");
    set_number(one, "bytes_per_sequence", ratio.bytes);
  }
  return json;
}

bool passed(const BatchFitResult& result) {
  return result.largest_difference().value_or(0) <= kMostFitDifference;
}

Json batch_fit_report(const ReportContext& context, const Json& method, const std::string& identity,
                      const BatchFitResult& result) {
  ReportContext named = context;
  named.schema = kBatchFitSchema;
  Json report = make_envelope(named);
  report["identity"] = identity;
  report["method"] = method;
  Json& results = report["results"] = Json::object();
  results["complete"] = result.complete;
  results["level"] = name_of(result.level);
  results["subject"] = result.subject;
  results["limit_bytes"] = result.limit_bytes;
  results["cells"] = Json::array();
  for (const BatchFit& fit : result.fits) results["cells"].push_back(batch_fit_cell_json(fit, result.level));
  Json& checks = report["checks"] = {{"passed", passed(result)}};
  checks["measured_cells"] =
      std::ranges::count_if(result.fits, [](const BatchFit& fit) { return fit.measured.size() > 1; });
  set_number(checks, "largest_difference", result.largest_difference(), "nothing was measured");
  checks["tolerance"] = kMostFitDifference;
  report["warnings"] = warnings_json(result.warnings);
  return report;
}

}  // namespace linformer
