// SPDX-License-Identifier: MIT
#include "bench_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/mechanism.h"
#include "base/build_info.h"
#include "bench/budget.h"
#include "bench/prediction.h"
#include "bench/sampling.h"
#include "bench/warnings.h"
#include "io/sha256.h"
#include "run_identity.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAttentionError =
    "largest difference from plain loops in f64 over sampled rows, over the largest |O| of these rows";
constexpr const char* kLayerError =
    "largest difference from plain loops in f64 in any layer: of weighted sums of q, k and v, and of sampled "
    "rows of the output; over the largest value among those compared together";

std::vector<std::string> row_of(const CellResult& p, double peak_gflops) {
  const BenchCell& c = p.cell;
  std::vector<std::string> row = {std::to_string(c.length),    c.mechanism,
                                  std::to_string(c.batch),     std::to_string(c.heads),
                                  std::to_string(c.head_size), std::to_string(c.layers),
                                  std::to_string(c.threads)};
  if (p.flops > 0) {
    row.insert(row.end(), {fmt::format("{:.3g}", guessed_seconds(p.flops, peak_gflops * c.threads)),
                           format_bytes(p.tensor_bytes), format_bytes(p.workspace_bytes),
                           format_bytes(p.parameter_bytes)});
  } else {
    row.insert(row.end(), 4, "");
  }
  row.push_back(p.reason);
  return row;
}

}  // namespace

bool uses_lapack(const BenchPlan& plan) {
  return std::ranges::any_of(
      plan.cells, [](const BenchCell& cell) { return make_mechanism(cell.mechanism)->traits().lapack; });
}

Json bench_method(const BenchCommand& o, const BenchOptions& options, const BenchPlan& plan,
                  const Session& session) {
  const ReportContext context = session.context(uses_lapack(plan));
  Json json = {{"level", name_of(o.level)},
               {"dtypes", split_at_commas({o.dtypes})},
               {"causal", o.causal},
               {"threads", plan.threads}};
  json.update(plan.subject.facts);
  json["seed"] = options.seed;
  json.update(arithmetic_json(context));
  json.update({{"cache", options.cold ? "cold: other data is written before each sample"
                                      : "hot: as the calls before left it"},
               {"budget_seconds", options.budget_seconds},
               {"references", options.references},
               {"order", "cells of one shape in turn, in an order drawn anew for every round"},
               {"time", "wall clock of a call, projections of K and V included"},
               {"interval",
                "of a median: between order statistics; of a ratio, slope or speed-up: percentiles of 1000 "
                "bootstrap draws, of rounds for ratios"},
               {"flops",
                "a multiply-add counts two; exponentials, norms and activations are not counted; causal "
                "attention counts half"},
               {"peak",
                "multiply-adds in registers on all threads of the cell, measured in every round: of f32, or "
                "of bf16 where a cell multiplies it (peak_products)"},
               {"error", o.level == Level::kAttention ? kAttentionError : kLayerError}});
  return json;
}

std::string bench_identity(std::string_view schema, const Json& method, const std::vector<BenchCell>& cells) {
  Sha256 digest;
  digest.update_part(schema);
  digest.update_part(method.dump());
  for (const BenchCell& cell : cells) digest.update_part(name_of(cell));
  digest.update_part(build_info().version);
  return digest.hex_digest();
}

void note_warnings(const std::vector<Warning>& warnings, const Session& session) {
  for (const Warning& warning : warnings) session.note("warning: " + warning.text);
}

int list_cells(const BenchPlan& plan, Session& session) {
  Table table{.title = "",
              .columns = {{"n"},
                          {"mechanism", Align::kLeft},
                          {"b"},
                          {"h"},
                          {"d"},
                          {"L"},
                          {"threads"},
                          {"seconds a call"},
                          {"tensors"},
                          {"workspace"},
                          {"parameters"},
                          {"", Align::kLeft}},
              .rows = {}};
  const double peak = measure_peak_gflops(1);
  for (const BenchCell& cell : plan.cells)
    table.rows.push_back(row_of(predicted(cell, *plan.subject.subject, session.run()), peak));
  print(rendered(table, session.options().format));
  note_warnings(warnings_of_plan(plan.cells, session.cores()), session);
  session.note(fmt::format("predicted at half the FMA peak, {:.0f} GFLOP/s a thread; nothing was run", peak));
  return 0;
}

}  // namespace linformer::cli
