// SPDX-License-Identifier: MIT
#include "bench_run.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/parse.h"
#include "base/thread_binding.h"
#include "bench/warnings.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "report/bench_json.h"

namespace linformer::cli {

namespace {

std::vector<Warning> known_warnings(const BenchPlan& plan, const Session& session) {
  std::vector<Warning> warnings = warnings_of_plan(plan.cells, session.cores());
  std::ranges::move(warnings_of_machine(plan.cells, session.machine(), threads_are_bound()),
                    std::back_inserter(warnings));
  return warnings;
}

}  // namespace

BenchRun run_bench(const BenchCommand& o, const BenchPlan& plan, const ReportPlaces& places,
                   Session& session) {
  const PlacesLock lock(places);
  const bool resume = should_resume(places, o.resume);
  if (o.resume.resume && !resume) session.note(nothing_to_resume(places));
  BenchOptions options{.seed = o.common.seed,
                       .references = plan.references,
                       .budget_seconds = parse_seconds(o.budget, "--budget"),
                       .spent_seconds = session.seconds(),
                       .cold = o.cold,
                       .warnings = known_warnings(plan, session),
                       .files = {.journal = places.journal, .resume = resume}};
  const nlohmann::ordered_json method = bench_method(o, options, plan, session);
  options.files.identity = bench_identity(kBenchSchema, method, plan.cells);
  if (!resume) discard(options.files);
  BenchResult result = bench(plan.cells, *plan.subject.subject, options, session.run());
  nlohmann::ordered_json report =
      bench_report(session.context(uses_lapack(plan)), method, options.files.identity, result);
  if (places.journal.empty()) end_on_signals();  // a pipe, perhaps without a reader
  if (!places.standard_output) write_file_atomically(places.report, dump_json(report));
  if (result.complete) discard(options.files);
  return {.result = std::move(result), .report = std::move(report)};
}

}  // namespace linformer::cli
