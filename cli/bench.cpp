// SPDX-License-Identifier: MIT
// linformer bench: what exact and linear attention take of this machine's time and memory.
#include "bench/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/build_info.h"
#include "base/error.h"
#include "base/parse.h"
#include "bench/sampling.h"
#include "bench/sweep.h"
#include "commands.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/sha256.h"
#include "options.h"
#include "report/bench_json.h"
#include "report/bench_table.h"
#include "report/numbers.h"
#include "report_places.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "bench";
constexpr const char* kReferences = "standard;flash";

struct BenchCommand {
  CommonOptions common;
  std::string mechanisms = "standard;flash;linformer";
  std::string lengths = "512..8192*2";
  std::string k = "128,256";
  std::string heads = "12";
  std::string head_sizes = "64";
  std::string batches = "1";
  int64_t tokens = 0;
  bool causal = false;
  double score_deviation = 1;
  std::string references;  ///< empty: those of kReferences that are in the sweep
  std::string budget = "60s";
  bool cold = false;
  bool list = false;
};

std::vector<int64_t> positive_list(const std::string& text, const char* option) {
  std::vector<int64_t> values = parse_list(text, option);
  if (std::ranges::all_of(values, [](int64_t value) { return value >= 1; })) return values;
  throw Error(ErrorCode::kUsage,
              {.subject = option, .found = fmt::format("'{}'", text), .expected = "numbers above 0"});
}

SweepOptions sweep_options(const BenchCommand& o) {
  return {.mechanisms = expand_mechanisms(o.mechanisms, positive_list(o.k, "--k")),
          .lengths = positive_list(o.lengths, "--lengths"),
          .heads = positive_list(o.heads, "--num-heads"),
          .head_sizes = positive_list(o.head_sizes, "--head-size"),
          .batches = positive_list(o.batches, "--batch"),
          .tokens = o.tokens,
          .causal = o.causal};
}

// What is named must be in the sweep.
std::vector<std::string> references_of(const BenchCommand& o, const std::vector<BenchCell>& cells) {
  std::vector<std::string> references;
  const std::string list = o.references.empty() ? kReferences : o.references;
  for (const std::string& specification : expand_mechanisms(list, positive_list(o.k, "--k"))) {
    const std::string name = make_mechanism(specification)->canonical();
    const bool there =
        std::ranges::any_of(cells, [&](const BenchCell& cell) { return cell.mechanism == name; });
    if (there) references.push_back(name);
    if (there || o.references.empty()) continue;
    throw Error(ErrorCode::kUsage, {.subject = "--reference",
                                    .found = fmt::format("'{}', which is not measured", specification),
                                    .expected = "mechanisms of --mechanisms"});
  }
  return references;
}

BenchOptions bench_options(const BenchCommand& o, const std::vector<BenchCell>& cells) {
  BenchOptions options;
  options.score_deviation = static_cast<float>(o.score_deviation);
  options.seed = o.common.seed;
  options.references = references_of(o, cells);
  options.budget_seconds = parse_seconds(o.budget, "--budget");
  options.cold = o.cold;
  return options;
}

Json method_json(const BenchOptions& options, Session& session) {
  return {{"level", "attention"},
          {"dtype", "f32"},
          {"threads", session.run().threads},
          {"score_deviation", options.score_deviation},
          {"values", "independent standard normal; q times score_deviation, s = 1/sqrt(d)"},
          {"layout", "q, k, v, o dense [batch, heads, n, d]"},
          {"seed", options.seed},
          {"cache", options.cold ? "cold: other data is written before each sample"
                                 : "hot: as the calls before left it"},
          {"budget_seconds", options.budget_seconds},
          {"references", options.references},
          {"order", "cells of one shape in turn, in an order drawn anew for every round"},
          {"time", "wall clock of a call, projections of K and V included"},
          {"interval",
           "of a median: between order statistics; of a ratio or slope: percentiles of 1000 "
           "bootstrap draws, of rounds for ratios"},
          {"flops", "a multiply-add counts two; exponentials are not counted; causal counts half"},
          {"peak", "f32 multiply-adds in registers on all threads, measured in every round"},
          {"error",
           "largest difference from plain loops in f64 over sampled rows, over the largest |O| of "
           "these rows"}};
}

int list_cells(const std::vector<BenchCell>& cells, Session& session) {
  constexpr double kGuess = 50;  // GFLOP/s a thread
  Table table{.title = "",
              .columns = {{"n"},
                          {"mechanism", Align::kLeft},
                          {"b"},
                          {"h"},
                          {"d"},
                          {"seconds a call"},
                          {"tensors"},
                          {"workspace"},
                          {"parameters"}},
              .rows = {}};
  for (const BenchCell& cell : cells) {
    const CellPrediction p = predict(cell, session.run().threads);
    table.rows.push_back({std::to_string(cell.length), cell.mechanism, std::to_string(cell.batch),
                          std::to_string(cell.heads), std::to_string(cell.head_size),
                          fmt::format("{:.3g}", p.flops / (kGuess * session.run().threads) * 1e-9),
                          format_bytes(p.tensor_bytes), format_bytes(p.workspace_bytes),
                          format_bytes(p.parameter_bytes)});
  }
  print(rendered(table, session.options().format));
  session.note(fmt::format("predicted at {} GFLOP/s a thread; nothing was run", kGuess));
  return 0;
}

std::string preface(const BenchResult& result, const BenchCommand& o, int threads) {
  return fmt::format("attention, f32{}, {}, FMA peak {:.0f} GFLOP/s\n\n", o.causal ? ", causal" : "",
                     counted(threads, "thread"), result.peak_gflops);
}

void print_result(const BenchResult& result, const Json& report, const BenchCommand& o, Session& session) {
  switch (o.common.format) {
    case Format::kJson:
      return print(dump_json(report));
    case Format::kJsonl:
      return print(report.dump() + "\n");
    case Format::kCsv:
      return print(csv_table(bench_long_table(result)));
    case Format::kTable:
      print(preface(result, o, session.run().threads));
      break;
    case Format::kMarkdown:
      break;
  }
  print(rendered(bench_table(result), o.common.format));
  const std::string sentence = bench_sentence(result);
  if (!sentence.empty()) print("\n" + sentence + "\n");
}

void note_remarks(const BenchResult& result, const Session& session) {
  for (const std::string& warning : result.warnings) session.note("warning: " + warning);
  for (const CellResult& cell : result.cells) {
    if (cell.state == CellState::kWrong) {
      message(fmt::format("linformer: {}: {}", name_of(cell.cell), cell.reason));
    } else if (!cell.reason.empty()) {
      session.note(fmt::format("{}: {}: {}", name_of(cell.cell), name_of(cell.state), cell.reason));
    } else if (cell.scaled()) {
      session.note(fmt::format("{}: timed on {} of {} heads of {} of {}, and scaled", name_of(cell.cell),
                               cell.timed_heads, cell.cell.heads, cell.timed_batch,
                               counted(cell.cell.batch, "sequence")));
    }
  }
}

int exit_code(const BenchResult& result) {
  const auto any = [&](CellState state) {
    return std::ranges::any_of(result.cells, [=](const CellResult& cell) { return cell.state == state; });
  };
  if (any(CellState::kWrong)) return 1;
  if (any(CellState::kMeasured) || any(CellState::kInterrupted)) return 0;
  return static_cast<int>(any(CellState::kTooLarge) ? ErrorCode::kMemory : ErrorCode::kUsage);
}

// Equal for runs whose numbers mean the same.
std::string identity_of(const std::vector<BenchCell>& cells, const Json& method) {
  Sha256 digest;
  digest.update(method.dump());
  for (const BenchCell& cell : cells) digest.update(name_of(cell));
  digest.update(build_info().version);
  return digest.hex_digest();
}

int run(const BenchCommand& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  const std::vector<BenchCell> cells = sweep(sweep_options(o));
  const BenchOptions options = bench_options(o, cells);
  if (o.list || o.common.dry_run) return list_cells(cells, session);
  ReportPlaces places =
      choose_places(o.common.out.empty() ? session.default_report(kCommand) : o.common.out, "");
  places.curves.clear();
  places.journal.clear();
  check_places(places, {});

  stop_on_signals();
  const BenchResult result = bench(cells, options, session.run());
  const Json method = method_json(options, session);
  const Json report = bench_report(session.context(false), method, identity_of(cells, method), result);
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    write_file_atomically(places.report, dump_json(report));
    print_result(result, report, o, session);
    session.note(fmt::format("report: {}", places.report));
  }
  note_remarks(result, session);
  return exit_code(result);
}

}  // namespace

Action add_bench(CLI::App& app) {
  auto o = std::make_shared<BenchCommand>();
  app.description("Times exact and linear attention on this machine, beside their memory and their error.");
  app.footer(
      "Examples:\n"
      "  linformer bench\n"
      "  linformer bench --mechanisms 'flash;linformer:sharing=none' --k 64..512*2 --lengths 1024,4096 --out "
      "bench.json\n");
  const char* group = "Sweep";
  app.add_option("--mechanisms", o->mechanisms,
                 "standard, flash, linformer with options (k, sharing, projection, n), separated by ';' "
                 "(default: all three)")
      ->group(group);
  app.add_option("--lengths", o->lengths, "n, a list (default: 512..8192*2)")->group(group);
  app.add_option("--k", o->k, "slots of a linformer that names none, a list (default: 128,256)")
      ->group(group);
  app.add_option("--num-heads", o->heads, "h, a list (default: 12)")->group(group);
  app.add_option("--head-size", o->head_sizes, "d, a list (default: 64)")->group(group);
  CLI::Option* batch = app.add_option("--batch", o->batches, "sequences, a list (default: 1)")->group(group);
  app.add_option("--tokens", o->tokens, "as many sequences as make that many tokens")
      ->transform(whole_number<int64_t>(1))
      ->group(group)
      ->excludes(batch);
  app.add_flag("--causal", o->causal, "causal attention; a linformer cannot be")->group(group);
  group = "Measurement";
  app.add_option("--score-std", o->score_deviation, "standard deviation of the scores (default: 1)")
      ->check(positive_number())
      ->check(CLI::Range(0.0, 1e4))
      ->group(group);
  app.add_option("--reference", o->references,
                 "what ratios are to, separated by ';' (default: standard;flash)")
      ->group(group);
  app.add_option("--budget", o->budget,
                 "time for all cells, e.g. 10m; what is too long for its part is timed on fewer heads and "
                 "scaled (default: 60s)")
      ->group(group);
  app.add_flag("--cold", o->cold, "fill the caches with other data before each sample")->group(group);
  app.add_flag("--list", o->list, "list the cells with predicted time and memory, and run nothing")
      ->group(group);
  add_common_options(app, o->common,
                     {.seed = true, .out = true, .format = true, .progress = true, .dry_run = true});
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
