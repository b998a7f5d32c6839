// SPDX-License-Identifier: MIT
// linformer bench: what exact and linear attention take of this machine's time and memory.
#include "bench/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/parse.h"
#include "bench/sweep.h"
#include "bench_options.h"
#include "bench_plan.h"
#include "bench_run.h"
#include "bench_subject.h"
#include "commands.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "options.h"
#include "report/numbers.h"
#include "report_places.h"
#include "show_result.h"
#include "terminal.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "bench";

// How far the scores of a query scatter, over all lengths.
std::string spread_text(const BenchResult& result) {
  std::vector<double> found;
  for (const CellResult& cell : result.cells) {
    if (cell.score_deviation) found.push_back(*cell.score_deviation);
  }
  if (found.empty()) return "";
  const auto [least, most] = std::ranges::minmax(found);
  return fmt::format(", scores scatter by {:.2g}{}", least,
                     most - least < 0.05 * most ? "" : fmt::format(" to {:.2g}", most));
}

std::string preface(const BenchResult& result, const BenchCommand& o) {
  const bool alone = o.level == Level::kAttention;
  std::string text = fmt::format("{}{}, {}{}{}", result.subject,
                                 alone                  ? " alone"
                                 : o.checkpoint.empty() ? " with random weights"
                                                        : "",
                                 o.dtypes, o.causal ? ", causal" : "", spread_text(result));
  for (const Peak& peak : result.peaks) {
    const char* const of = peak.products == DType::kBF16 ? "bf16" : "FMA";
    text += fmt::format(", {}: {} peak {:.0f} GFLOP/s", counted(peak.threads, "thread"), of, peak.gflops);
  }
  return text + "\n\n";
}

std::string what_was_timed(const CellResult& r) {
  const std::string sequences = fmt::format("{} of {}", r.timed_batch, counted(r.cell.batch, "sequence"));
  return r.cell.layers > 0 ? fmt::format("timed on {} of {} of {}", r.timed_layers,
                                         counted(r.cell.layers, "layer"), sequences)
                           : fmt::format("timed on {} of {} of {}", r.timed_heads,
                                         counted(r.cell.heads, "head"), sequences);
}

void note_remarks(const BenchResult& result, const Session& session) {
  note_warnings(result.warnings, session);
  for (const CellResult& cell : result.cells) {
    if (is_fault(cell.state)) {
      message(fmt::format("linformer: {}: {}", name_of(cell.cell), cell.reason));
    } else if (!cell.reason.empty()) {
      session.note(fmt::format("{}: {}: {}", name_of(cell.cell), name_of(cell.state), cell.reason));
    } else if (cell.scaled()) {
      session.note(fmt::format("{}: {}, and scaled", name_of(cell.cell), what_was_timed(cell)));
    }
  }
}

int exit_code(const BenchResult& result) {
  const auto any = [&](CellState state) {
    return std::ranges::any_of(result.cells, [=](const CellResult& cell) { return cell.state == state; });
  };
  if (std::ranges::any_of(result.cells, is_fault, &CellResult::state)) return 1;
  if (any(CellState::kMeasured) || any(CellState::kInterrupted)) return 0;
  return static_cast<int>(any(CellState::kTooLarge) ? ErrorCode::kMemory : ErrorCode::kUsage);
}

// A report is all that lies there, and, of times, a journal while they are measured.
ReportPlaces bench_places(const BenchCommand& o, const Session& session) {
  const char* const name = o.fit_batch.empty() ? kCommand : "batch-fit";
  ReportPlaces places = choose_places(o.common.out.empty() ? session.default_report(name) : o.common.out, "");
  places.curves.clear();
  if (!o.fit_batch.empty()) places.journal.clear();
  return places;
}

void show(const BenchResult& result, const Json& report, const ReportPlaces& places, const BenchCommand& o,
          const Session& session) {
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    show_bench(result, report, preface(result, o), session);
    session.note(fmt::format("report: {}", places.report));
  }
  note_remarks(result, session);
  if (!result.complete && !places.journal.empty()) session.note("stopped; " + how_to_go_on(places));
}

int run(BenchCommand o, const Invocation& invocation) {
  check_level(o);
  check_output_options(o.common, o.resume);
  // The session is made for the most threads of any cell.
  o.common.threads = std::ranges::max(thread_list(o, 0));
  Session session(o.common, invocation.environment, invocation.arguments);
  const ReportPlaces places = bench_places(o, session);
  const bool only_list = o.list || o.common.dry_run;
  SweepOptions sweep_of = sweep_options(o, session.run().threads);
  if (!only_list) {
    check_places(places, files_read(o, session));
    should_resume(places, o.resume);  // asked again under the lock; here for an early refusal
  }
  const WeightsWanted weights = only_list ? WeightsWanted::kSizesOnly : WeightsWanted::kYes;
  BenchPlan plan{.subject = open_subject(o, sweep_of, weights, session)};
  plan.cells = sweep(sweep_of);
  plan.threads = sweep_of.threads;
  plan.references = bench_references(o, plan.cells);
  if (only_list) return list_cells(plan, session);

  stop_on_signals();
  if (!o.fit_batch.empty()) return fit_batches(o, plan, places, session);
  const auto [result, report] = run_bench(o, plan, places, session);
  show(result, report, places, o, session);
  return exit_code(result);
}

}  // namespace

Action add_bench(CLI::App& app) {
  auto o = std::make_shared<BenchCommand>();
  app.description(
      "Times exact and linear attention on this machine, alone or in an encoder, beside their memory and "
      "their error.");
  app.footer(
      "Examples:\n"
      "  linformer bench\n"
      "  linformer bench --level model --lengths 512..4096*2 --k 128..512*2 --budget 10m --out bench.json\n");
  add_bench_options(app, *o);
  const CLI::Option* const format = app.get_option("--format");
  return [o, format](const Invocation& invocation) {
    // What goes into a file is for pasting.
    if (format->count() == 0 && o->common.out != "-" && stdout_is_file())
      o->common.format = Format::kMarkdown;
    return run(*o, invocation);
  };
}

}  // namespace linformer::cli
