// SPDX-License-Identifier: MIT
#include "report/bench_json.h"

#include <algorithm>

#include "report/numbers.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kNotTimed = "not timed";
constexpr std::string_view kFewSamples = "too few samples";

Json ratio_json(const Ratio& ratio) {
  Json json = {{"reference", ratio.reference}};
  set_number(json, "ratio", ratio.ratio);
  set_interval(json, "interval", ratio.interval, kFewSamples);
  set_number(json, "flops_ratio", ratio.flops_ratio);
  return json;
}

// Times of what was not measured would be zeros.
void add_times(Json& json, const CellResult& r) {
  const bool timed = r.measured();
  const auto number = [&](std::string_view key, double value) {
    set_number(json, key, timed ? std::optional(value) : std::nullopt, kNotTimed);
  };
  number("median_ns", r.median_ns);
  set_interval(json, "interval_ns", timed ? r.interval_ns : std::nullopt, timed ? kFewSamples : kNotTimed);
  number("p95_ns", r.p95_ns);
  number("min_ns", r.min_ns);
  number("first_call_ns", r.first_call_ns);
  number("gflops", r.gflops);
  number("peak_share", r.peak_share);
  number("peak_gflops", r.peak_gflops);
  json["peak_products"] = name_of_dtype(r.peak_products);
  json["ratios"] = Json::array();
  for (const Ratio& ratio : r.ratios) json["ratios"].push_back(ratio_json(ratio));
  json["calls_per_sample"] = r.calls_per_sample;
  json["samples_ns"] = r.samples_ns;
}

Json error_json(const CellResult& r) {
  if (r.error.rows == 0) return nullptr;
  Json json = {{"rows", r.error.rows}};
  set_number(json, "largest_over_largest_output", r.error.error);
  set_number(json, "bound", r.error.bound);
  return json;
}

// What is multiplied.
std::string_view products_of(DType dtype, bool native_bf16) {
  return dtype == DType::kF32 ? "f32" : native_bf16 ? "bf16" : "f32, widened from bf16";
}

// Of all cells that a growth or crossover is of; with --tokens the batch is not one number.
Json series_json(const BenchCell& cell) {
  Json json = {{"mechanism", cell.mechanism}, {"dtype", name_of_dtype(cell.dtype)},
               {"heads", cell.heads},         {"head_size", cell.head_size},
               {"layers", cell.layers},       {"threads", cell.threads}};
  if (cell.queries > 0) json["queries"] = cell.queries;
  set_number(json, "batch", cell.tokens > 0 ? std::nullopt : std::optional(static_cast<double>(cell.batch)),
             "as many sequences as make the tokens");
  return json;
}

Json slope_json(const LocalSlope& slope) {
  Json json = {{"from_length", slope.from}, {"to_length", slope.to}};
  set_number(json, "slope", slope.slope);
  set_interval(json, "interval", slope.interval, kFewSamples);
  return json;
}

Json growth_json(const Growth& growth) {
  Json json = series_json(growth.cell);
  json["slopes"] = Json::array();
  for (const LocalSlope& slope : growth.slopes) json["slopes"].push_back(slope_json(slope));
  json["fitted"] = slope_json(growth.fitted);
  return json;
}

Json crossover_json(const Crossover& crossover) {
  Json json = series_json(crossover.cell);
  json["reference"] = crossover.reference;
  set_number(json, "length", crossover.length, crossover.reason);
  return json;
}

// Of cells of one length.
Json one_shape_json(const BenchCell& cell) {
  Json json = series_json(cell);
  json["batch"] = cell.batch;
  json.erase("batch_reason");
  json["length"] = cell.length;
  return json;
}

Json scaling_json(const Scaling& scaling) {
  Json json = one_shape_json(scaling.cell);
  json["to_threads"] = scaling.threads;
  set_number(json, "speed_up", scaling.speed_up);
  set_interval(json, "interval", scaling.interval, kFewSamples);
  return json;
}

Json narrowing_json(const Narrowing& narrowing) {
  Json json = one_shape_json(narrowing.cell);
  json["to_dtype"] = name_of_dtype(DType::kBF16);
  json["products"] = products_of(DType::kBF16, narrowing.native_bf16);
  set_number(json, "speed_up", narrowing.speed_up);
  set_interval(json, "interval", narrowing.interval, kFewSamples);
  return json;
}

// The f32 peak of the most threads stands for all where one number is wanted.
void add_peaks(Json& results, const std::vector<Peak>& peaks) {
  std::optional<Peak> most;
  for (const Peak& peak : peaks)
    if (peak.products == DType::kF32) most = peak;
  constexpr std::string_view kNoRound = "no round was run";
  set_number(results, "peak_gflops", most ? std::optional(most->gflops) : std::nullopt, kNoRound);
  set_number(results, "peak_drift", most ? std::optional(most->drift) : std::nullopt, kNoRound);
  results["peaks"] = Json::array();
  for (const Peak& peak : peaks) {
    Json& one = results["peaks"].emplace_back(
        Json{{"threads", peak.threads}, {"products", name_of_dtype(peak.products)}});
    set_number(one, "gflops", peak.gflops);
    set_number(one, "drift", peak.drift);
  }
}

}  // namespace

Json bench_cell_json(const CellResult& r, Level level) {
  const BenchCell& c = r.cell;
  Json json = {{"mechanism", c.mechanism},
               {"length", c.length},
               {"batch", c.batch},
               {"heads", c.heads},
               {"head_size", c.head_size},
               {"causal", c.causal},
               {"dtype", name_of_dtype(c.dtype)},
               {"level", name_of(level)},
               {"layers", c.layers},
               {"threads", c.threads},
               {"state", name_of(r.state)}};
  if (c.tokens > 0) json["tokens"] = c.tokens;
  if (c.queries > 0) json["queries"] = c.queries;
  set_text(json, "reason", r.reason, "measured");
  json["products"] = products_of(c.dtype, r.native_bf16);
  json["needs_training"] = r.needs_training;
  json["flops"] = r.flops;
  json["tensor_bytes"] = r.tensor_bytes;
  json["workspace_bytes"] = r.workspace_bytes;
  json["parameter_bytes"] = r.parameter_bytes;
  json["error"] = error_json(r);
  set_number(json, "score_deviation", r.score_deviation, "not of attention alone, or not run");
  json["timed_batch"] = r.timed_batch;
  json["timed_heads"] = r.timed_heads;
  json["timed_layers"] = r.timed_layers;
  add_times(json, r);
  return json;
}

Json warnings_json(const std::vector<Warning>& warnings) {
  Json json = Json::array();
  for (const Warning& warning : warnings) json.push_back({{"kind", warning.kind}, {"text", warning.text}});
  return json;
}

Json bench_report(const ReportContext& context, const Json& method, const std::string& identity,
                  const BenchResult& result) {
  ReportContext named = context;
  named.schema = kBenchSchema;
  Json report = make_envelope(named);
  report["identity"] = identity;
  report["method"] = method;
  Json& results = report["results"] = Json::object();
  results["complete"] = result.complete;
  results["confidence"] = kBenchConfidence;
  results["level"] = name_of(result.level);
  results["subject"] = result.subject;
  add_peaks(results, result.peaks);
  results["cells"] = Json::array();
  for (const CellResult& cell : result.cells) results["cells"].push_back(bench_cell_json(cell, result.level));
  results["growth"] = Json::array();
  for (const Growth& growth : result.growth) results["growth"].push_back(growth_json(growth));
  results["crossovers"] = Json::array();
  for (const Crossover& crossover : result.crossovers)
    results["crossovers"].push_back(crossover_json(crossover));
  results["scaling"] = Json::array();
  for (const Scaling& scaling : result.scaling) results["scaling"].push_back(scaling_json(scaling));
  results["narrowing"] = Json::array();
  for (const Narrowing& narrowing : result.narrowing)
    results["narrowing"].push_back(narrowing_json(narrowing));
  const auto cells_that_are = [&](CellState state) {
    return std::ranges::count(result.cells, state, &CellResult::state);
  };
  const auto wrong = cells_that_are(CellState::kWrong), failed = cells_that_are(CellState::kFailed);
  report["checks"] = {{"passed", wrong + failed == 0}, {"wrong_cells", wrong}, {"failed_cells", failed}};
  report["warnings"] = warnings_json(result.warnings);
  return report;
}

}  // namespace linformer
