// SPDX-License-Identifier: MIT
// linformer bench --fit-batch: how many sequences memory holds.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/parse.h"
#include "bench/batch_fit.h"
#include "bench/warnings.h"
#include "bench_plan.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "report/batch_fit_json.h"
#include "run_identity.h"
#include "show_result.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;

Json fit_method(const BenchCommand& o, const BatchFitOptions& options, const BenchPlan& plan,
                const Session& session) {
  const ReportContext context = session.context(uses_lapack(plan));
  Json json = {{"level", name_of(o.level)},
               {"dtypes", split_at_commas({o.dtypes})},
               {"causal", o.causal},
               {"threads", plan.threads}};
  json.update(plan.subject.facts);
  json["seed"] = o.common.seed;
  json.update(arithmetic_json(context));
  json.update(
      {{"limit_bytes", options.limit_bytes},
       {"budget_seconds", options.budget_seconds},
       {"references", options.references},
       {"bytes", "all buffers of a call: what is given and comes out, workspace, weights, E and F"},
       {"bytes_per_sequence", "mean from one sequence to the largest batch, or to two where that is less"},
       {"largest_batch", "the most sequences whose exact accounting is within the limit"},
       {"logits",
        "become P in place: both are never alive; a mechanism that keeps no P has a tile at a time"},
       {"measured", "high-water mark of all buffers in a real call"}});
  return json;
}

void note_fits(const BatchFitResult& result, const Session& session) {
  note_warnings(result.warnings, session);
  for (const BatchFit& fit : result.fits) {
    const std::string& reason = fit.reason.empty() ? fit.measured_reason : fit.reason;
    if (!reason.empty()) session.note(fmt::format("{}: {}", name_of(fit.cell), reason));
  }
}

BatchFitOptions fit_options(const BenchCommand& o, const BenchPlan& plan) {
  const BatchFitOptions options{.limit_bytes = parse_bytes(o.fit_batch, "--fit-batch"),
                                .references = plan.references,
                                .budget_seconds = parse_seconds(o.budget, "--budget")};
  constexpr int64_t kMost = int64_t{1} << 50;
  if (options.limit_bytes <= kMost) return options;
  throw Error(ErrorCode::kUsage,
              {.subject = "--fit-batch", .found = o.fit_batch, .expected = "1 PiB at most"});
}

}  // namespace

int fit_batches(const BenchCommand& o, const BenchPlan& plan, const ReportPlaces& places, Session& session) {
  const BatchFitOptions options = fit_options(o, plan);
  BatchFitResult result = linformer::fit_batches(plan.cells, *plan.subject.subject, options, session.run());
  result.warnings = warnings_of_plan(plan.cells, session.cores());
  const Json method = fit_method(o, options, plan, session);
  const Json report = batch_fit_report(session.context(uses_lapack(plan)), method,
                                       bench_identity(kBatchFitSchema, method, plan.cells), result);
  end_on_signals();
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    write_file_atomically(places.report, dump_json(report));
    show_batch_fit(result, report, "", session);
    session.note(fmt::format("report: {}", places.report));
  }
  note_fits(result, session);
  if (!passed(result)) {
    message("linformer: a call took other memory than was predicted, by more than 1 %: see checks");
    return 1;
  }
  const auto possible = [](const BatchFit& fit) { return fit.reason.empty(); };
  return std::ranges::any_of(result.fits, possible) ? 0 : static_cast<int>(ErrorCode::kUsage);
}

}  // namespace linformer::cli
