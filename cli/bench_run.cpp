// SPDX-License-Identifier: MIT
#include "bench_run.h"

#include "base/build_info.h"
#include "bench/bench.h"
#include "io/sha256.h"
#include "report/bench_json.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;

Json method_json(const BenchCommand& o, const BenchOptions& options, const OpenSubject& subject,
                 const std::vector<int>& threads) {
  Json json = {{"level", name_of(o.level)}, {"dtype", "f32"}, {"causal", o.causal}, {"threads", threads}};
  json.update(subject.facts);
  json.update(
      {{"seed", options.seed},
       {"cache",
        options.cold ? "cold: other data is written before each sample" : "hot: as the calls before left it"},
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
       {"peak", "f32 multiply-adds in registers on all threads of the cell, measured in every round"},
       {"error",
        o.level == Level::kAttention
            ? "largest difference from plain loops in f64 over sampled rows, over the largest |O| of these "
              "rows"
            : "largest difference from plain loops in f64 in any layer: of weighted sums of q, k and v, and "
              "of "
              "sampled rows of the output; over the largest value among those compared together"}});
  return json;
}

// Equal for runs whose numbers mean the same.
std::string identity_of(const std::vector<BenchCell>& cells, const Json& method) {
  Sha256 digest;
  digest.update(method.dump());
  for (const BenchCell& cell : cells) digest.update(name_of(cell));
  digest.update(build_info().version);
  return digest.hex_digest();
}

}  // namespace

BenchRun run_bench(const BenchCommand& o, const std::vector<BenchCell>& cells, const BenchOptions& options,
                   const OpenSubject& subject, const std::vector<int>& threads, Session& session) {
  const BenchResult result = bench(cells, *subject.subject, options, session.run());
  const Json method = method_json(o, options, subject, threads);
  return {.result = result,
          .report = bench_report(session.context(false), method, identity_of(cells, method), result)};
}

}  // namespace linformer::cli
