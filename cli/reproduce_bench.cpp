// SPDX-License-Identifier: MIT
// The targets that time an encoder: figure2, table1 and table3.
#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "base/parse.h"
#include "bench/batch_sizes.h"
#include "bench/budget.h"
#include "bench/sampling.h"
#include "bench/sweep.h"
#include "bench_run.h"
#include "input.h"
#include "report/against_paper.h"
#include "reproduce_targets.h"

namespace linformer::cli {
namespace {

// A sweep at hand, of which only what the time allows is run.
struct Sweep {
  BenchCommand command;
  BenchPlan plan;
};

// Sizes of the encoder that is timed, whose weights change no times: by default those of the checkpoint, else
// of one of the paper's models.
std::string timed_model(const ReproduceOptions& o, Session& session) {
  if (!o.model.empty()) return o.model;
  if (o.input.checkpoint.empty()) return "roberta-base";
  const Checkpoint checkpoint = open_checkpoint(o.input.checkpoint, session);
  const Architecture a = plan_model(checkpoint).architecture;
  if (a.stack() == Stack::kEncoder && !a.image && a.width == a.heads * a.head_size)
    return fmt::format("layers={},width={},heads={},ffn={}", a.layers, a.width, a.heads, a.ffn_width);
  session.note(fmt::format("{} is no encoder of text whose heads make up its width: roberta-base is timed",
                           checkpoint.path()));
  return "roberta-base";
}

Sweep open_sweep(const ReproduceOptions& o, BenchCommand command, double seconds, Session& session) {
  command.common = o.common;
  command.model = timed_model(o, session);
  if (!o.lengths.empty()) command.lengths = o.lengths;
  if (!o.k.empty()) command.k = o.k;
  command.budget = fmt::format("{:.1f}s", seconds);
  command.resume.force = true;
  SweepOptions options = sweep_options(command, session.run().threads);
  BenchPlan plan{.subject = open_subject(command, options, WeightsWanted::kYes, session)};
  plan.cells = sweep(options);
  plan.threads = options.threads;
  plan.references = bench_references(command, plan.cells);
  return {.command = std::move(command), .plan = std::move(plan)};
}

BenchResult run_sweep(Sweep& sweep, double seconds, const std::string& folder, Session& session) {
  const double peak = measure_peak_gflops(session.run().threads);
  BenchPlan& plan = sweep.plan;
  plan.cells = affordable(plan.cells, *plan.subject.subject, seconds, peak, session.run());
  plan.references = bench_references(sweep.command, plan.cells);
  ReportPlaces places = choose_places(folder + "/bench.json", "");
  places.curves.clear();
  return run_bench(sweep.command, plan, places, session).result;
}

BenchResult run_sweep_of(const ReproduceOptions& o, BenchCommand command, double seconds,
                         const std::string& folder, Session& session) {
  Sweep sweep = open_sweep(o, std::move(command), seconds, session);
  return run_sweep(sweep, seconds, folder, session);
}

Reproduction with_report(Reproduction reproduction) {
  reproduction.reports = {"bench.json"};
  return reproduction;
}

}  // namespace

Reproduction reproduce_figure2(const ReproduceOptions& o, double seconds, const std::string& folder,
                               Session& session) {
  BenchCommand command;
  command.level = Level::kModel;
  command.lengths = "512..16384*2";
  command.tokens = 16384;
  return with_report(figure2_reproduction(run_sweep_of(o, command, seconds, folder, session)));
}

Reproduction reproduce_table1(const ReproduceOptions& o, double seconds, const std::string& folder,
                              Session& session) {
  BenchCommand command;
  command.level = Level::kLayer;
  command.lengths = "512..16384*2";
  return with_report(table1_reproduction(run_sweep_of(o, command, seconds, folder, session)));
}

Reproduction reproduce_table3(const ReproduceOptions& o, double seconds, const std::string& folder,
                              Session& session) {
  BenchCommand command;
  command.level = Level::kModel;
  command.lengths = "512..65536*2";
  command.k = "128..2048*2";
  Sweep sweep = open_sweep(o, command, seconds, session);
  const int64_t memory = parse_bytes(o.batch_memory, "--batch-memory");
  const std::vector<CellNeed> needs =
      needs_of(sweep.plan.cells, *sweep.plan.subject.subject, memory, session.run());
  return with_report(table3_reproduction(run_sweep(sweep, seconds, folder, session), needs, memory));
}

}  // namespace linformer::cli
