// SPDX-License-Identifier: MIT
// The targets that time an encoder: figure2, table1 and table3.
#include <fmt/format.h>

#include "base/parse.h"
#include "bench/budget.h"
#include "bench/sampling.h"
#include "bench_run.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "report/against_paper.h"
#include "reproduce_targets.h"

namespace linformer::cli {
namespace {

// A sweep at hand, of which only what the time allows is run.
struct Sweep {
  BenchCommand command;
  SweepOptions options;
  OpenSubject subject;
  std::vector<BenchCell> cells;
};

Sweep open_sweep(const ReproduceOptions& o, BenchCommand command, double seconds, Session& session) {
  Sweep sweep{.command = std::move(command), .options = {}, .subject = {}, .cells = {}};
  sweep.command.common = o.common;
  sweep.command.model = o.model;
  if (!o.lengths.empty()) sweep.command.lengths = o.lengths;
  if (!o.k.empty()) sweep.command.k = o.k;
  sweep.command.budget = fmt::format("{:.1f}s", seconds);
  sweep.options = sweep_options(sweep.command, session.run().threads);
  sweep.subject = open_subject(sweep.command, sweep.options, session);
  sweep.cells = linformer::sweep(sweep.options);
  return sweep;
}

BenchResult run_sweep(const Sweep& sweep, double seconds, const std::string& folder, Session& session) {
  const double peak = measure_peak_gflops(session.run().threads);
  const std::vector<BenchCell> within =
      affordable(sweep.cells, *sweep.subject.subject, seconds, peak, session.run());
  const BenchRun run = run_bench(sweep.command, within, bench_options(sweep.command, within), sweep.subject,
                                 sweep.options.threads, session);
  write_file_atomically(folder + "/bench.json", dump_json(run.report));
  return run.result;
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
  return with_report(
      figure2_reproduction(run_sweep(open_sweep(o, command, seconds, session), seconds, folder, session)));
}

Reproduction reproduce_table1(const ReproduceOptions& o, double seconds, const std::string& folder,
                              Session& session) {
  BenchCommand command;
  command.level = Level::kLayer;
  command.lengths = "512..16384*2";
  return with_report(
      table1_reproduction(run_sweep(open_sweep(o, command, seconds, session), seconds, folder, session)));
}

Reproduction reproduce_table3(const ReproduceOptions& o, double seconds, const std::string& folder,
                              Session& session) {
  BenchCommand command;
  command.level = Level::kModel;
  command.lengths = "512..65536*2";
  command.k = "128..2048*2";
  const Sweep sweep = open_sweep(o, command, seconds, session);
  const int64_t memory = parse_bytes(o.batch_memory, "--batch-memory");
  const std::vector<CellNeed> needs = needs_of(sweep.cells, *sweep.subject.subject, memory, session.run());
  return with_report(table3_reproduction(run_sweep(sweep, seconds, folder, session), needs, memory));
}

}  // namespace linformer::cli
