// SPDX-License-Identifier: MIT
// linformer bench: what exact and linear attention take of this machine's time and memory.
#include "bench/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "bench/sweep.h"
#include "bench_options.h"
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

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "bench";

int list_cells(const std::vector<BenchCell>& cells, const Subject& subject, Session& session) {
  constexpr double kGuess = 50;  // GFLOP/s a thread
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
  for (const BenchCell& cell : cells) {
    const CellResult p = predicted(cell, subject, session.run());
    std::vector<std::string> row = {std::to_string(cell.length),    cell.mechanism,
                                    std::to_string(cell.batch),     std::to_string(cell.heads),
                                    std::to_string(cell.head_size), std::to_string(cell.layers),
                                    std::to_string(cell.threads)};
    if (p.flops > 0) {
      row.insert(row.end(), {fmt::format("{:.3g}", p.flops / (kGuess * cell.threads) * 1e-9),
                             format_bytes(p.tensor_bytes), format_bytes(p.workspace_bytes),
                             format_bytes(p.parameter_bytes), p.reason});
    } else {
      row.insert(row.end(), {"", "", "", "", p.reason});
    }
    table.rows.push_back(std::move(row));
  }
  print(rendered(table, session.options().format));
  session.note(fmt::format("predicted at {} GFLOP/s a thread; nothing was run", kGuess));
  return 0;
}

std::string preface(const BenchResult& result, const BenchCommand& o) {
  std::string text = fmt::format("{}{}, f32{}", result.subject,
                                 o.level == Level::kAttention ? " alone"
                                 : o.checkpoint.empty()       ? " with random weights"
                                                              : "",
                                 o.causal ? ", causal" : "");
  for (const Peak& peak : result.peaks)
    text += fmt::format(", {}: FMA peak {:.0f} GFLOP/s", counted(peak.threads, "thread"), peak.gflops);
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
  for (const std::string& warning : result.warnings) session.note("warning: " + warning);
  for (const CellResult& cell : result.cells) {
    if (cell.state == CellState::kWrong) {
      message(fmt::format("linformer: {}: {}", name_of(cell.cell), cell.reason));
    } else if (!cell.reason.empty()) {
      session.note(fmt::format("{}: {}: {}", name_of(cell.cell), name_of(cell.state), cell.reason));
    } else if (cell.scaled()) {
      session.note(fmt::format("{}: {}, and scaled", name_of(cell.cell), what_was_timed(cell)));
    }
  }
}

std::vector<std::string> read_by(const BenchCommand& o, const Session& session) {
  if (o.checkpoint.empty()) return {};
  InputOptions input;
  input.checkpoint = o.checkpoint;
  return files_read(input, session);
}

int exit_code(const BenchResult& result) {
  const auto any = [&](CellState state) {
    return std::ranges::any_of(result.cells, [=](const CellResult& cell) { return cell.state == state; });
  };
  if (any(CellState::kWrong)) return 1;
  if (any(CellState::kMeasured) || any(CellState::kInterrupted)) return 0;
  return static_cast<int>(any(CellState::kTooLarge) ? ErrorCode::kMemory : ErrorCode::kUsage);
}

int run(BenchCommand o, const Invocation& invocation) {
  check_level(o);
  // The session is made for the most threads of any cell.
  o.common.threads = std::ranges::max(thread_list(o, 0));
  Session session(o.common, invocation.environment, invocation.arguments);
  SweepOptions sweep_of = sweep_options(o, session.run().threads);
  ReportPlaces places =
      choose_places(o.common.out.empty() ? session.default_report(kCommand) : o.common.out, "");
  places.curves.clear();
  places.journal.clear();
  const bool only_list = o.list || o.common.dry_run;
  if (!only_list) check_places(places, read_by(o, session));
  const OpenSubject subject = open_subject(o, sweep_of, session);
  const std::vector<BenchCell> cells = sweep(sweep_of);
  const BenchOptions options = bench_options(o, cells);
  if (only_list) return list_cells(cells, *subject.subject, session);

  stop_on_signals();
  const auto [result, report] = run_bench(o, cells, options, subject, sweep_of.threads, session);
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    write_file_atomically(places.report, dump_json(report));
    show_bench(result, report, preface(result, o), session);
    session.note(fmt::format("report: {}", places.report));
  }
  note_remarks(result, session);
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
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
