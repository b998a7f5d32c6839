// SPDX-License-Identifier: MIT
// linformer advise: joins spectrum, accuracy and bench for one checkpoint, length and machine.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "accuracy/accuracy.h"
#include "advise/decide.h"
#include "base/error.h"
#include "base/parse.h"
#include "bench/attention_subject.h"
#include "bench/bench.h"
#include "bench/model_subject.h"
#include "bench/sweep.h"
#include "commands.h"
#include "input.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "preface.h"
#include "report/advise_json.h"
#include "report_places.h"
#include "show_result.h"
#include "whole_model.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "advise";

struct AdviseCommand {
  CommonOptions common;
  InputOptions input;
  std::string k;  ///< empty: n/8 to n/2
  std::string loss_increase = "1%";
  std::string hidden_error = "10%";
  double calibration = 0.5;
  std::string budget = "20s";
};

AccuracyOptions accuracy_options(const AdviseCommand& o, int64_t length) {
  AccuracyOptions options{
      .mechanisms = {"flash", "linformer:projection=mean-pooling", "nystrom", "fitted", "local"},
      .ks = o.k.empty() ? std::vector<int64_t>{} : parse_list(o.k, "--k"),
      .calibration = o.calibration,
      .seed = o.common.seed};
  if (o.k.empty()) {
    for (const int64_t part : {8, 4, 2}) options.ks.push_back(std::max<int64_t>(1, length / part));
  }
  return options;
}

SpectrumResult measure_spectrum(AttentionSource& source, Session& session) {
  return Analysis(source, {.controls = {}, .centred = false, .verify = 0}, session.run()).run({}, {});
}

BenchOptions bench_options(const AdviseCommand& o) {
  return {.seed = o.common.seed,
          .references = {"flash"},
          .budget_seconds = parse_seconds(o.budget, "--budget") / 2};
}

// The model at the length, by flash and by whatever stands for its attention with fewer slots than tokens.
BenchResult time_model(const AdviseCommand& o, const OpenInput& input, const AccuracyResult& costs,
                       Session& session) {
  SweepOptions sweep_of{.mechanisms = {"flash"},
                        .lengths = {costs.length},
                        .heads = {input.plan->architecture.heads},
                        .head_sizes = {input.plan->architecture.head_size},
                        .batches = {1},
                        .layers = input.model->layer_count(),
                        .threads = {session.run().threads}};
  for (const std::string& mechanism : mechanisms_to_time(costs)) sweep_of.mechanisms.push_back(mechanism);
  const ModelSubject subject(*input.model, input.checkpoint->path(), o.common.seed);
  return bench(sweep(sweep_of), subject, bench_options(o), session.run());
}

// Attention alone by the least k, over lengths.
BenchResult time_attention(const AdviseCommand& o, const OpenInput& input, int64_t k, Session& session) {
  constexpr int64_t kDoublings = 4;
  SweepOptions sweep_of{.mechanisms = {"flash", fmt::format("linformer:k={},sharing=none", k)},
                        .lengths = {},
                        .heads = {input.plan->architecture.heads},
                        .head_sizes = {input.plan->architecture.head_size},
                        .batches = {1},
                        .threads = {session.run().threads}};
  for (int64_t i = 1; i <= kDoublings + 1; ++i) sweep_of.lengths.push_back(k << i);
  return bench(sweep(sweep_of), AttentionSubject(1, o.common.seed), bench_options(o), session.run());
}

Json method_json(const AdviseCommand& o, const Accuracy& accuracy) {
  Json cells = Json::array();
  for (const AccuracyCell& cell : accuracy.cells()) cells.push_back(cell.name);
  return {
      {"cells", cells},
      {"loss_increase", parse_share(o.loss_increase, "--loss-increase")},
      {"hidden_error", parse_share(o.hidden_error, "--hidden-error")},
      {"calibration_share", o.calibration},
      {"seed", o.common.seed},
      {"budget_seconds", parse_seconds(o.budget, "--budget")},
      {"by_layer", "an even part of the goal for each layer, halved until the whole model keeps within it"},
      {"time", "of nystrom its own; of the others that of a linformer with E and F of every head"}};
}

[[noreturn]] void refuse_interrupted() {
  throw Error(ErrorCode::kUsage, {.subject = "advise",
                                  .found = "interrupted before it was done",
                                  .expected = "all of its parts",
                                  .remedy = "Run it again"});
}

int run(const AdviseCommand& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  ReportPlaces places =
      choose_places(o.common.out.empty() ? session.default_report(kCommand) : o.common.out, "");
  places.curves.clear(), places.journal.clear();
  check_places(places, files_read(o.input, session));
  const OpenInput input = open_input(o.input, {}, session, true);
  WholeModel whole = whole_model(input, {}, o.common.seed, session);
  if (whole.model == nullptr) {
    throw Error(ErrorCode::kUnsupported,
                {.subject = "advise", .found = "a model of images", .expected = "a model of text"});
  }
  const double of_loss = parse_share(o.loss_increase, "--loss-increase"),
               of_hidden = parse_share(o.hidden_error, "--hidden-error");
  const bool loss = !whole.loss_name.empty();
  const AdviceGoal goal{.of_loss = loss, .increase = loss ? of_loss : of_hidden};
  const int64_t length = input.source->facts().sizes.front().rows;
  Accuracy accuracy(*input.source, {}, std::move(whole), accuracy_options(o, length), session.run());

  stop_on_signals();
  const AccuracyResult costs = accuracy.run({});
  if (!costs.complete) refuse_interrupted();
  const LayerChoice choice = choose_layers(
      costs, goal, [&](const std::vector<int64_t>& cells) { return accuracy.of_choice(cells); });
  const SpectrumResult spectrum = measure_spectrum(*input.source, session);
  const std::vector<int64_t>& ks = accuracy.options().ks;
  const BenchResult model = time_model(o, input, costs, session);
  const BenchResult attention = time_attention(o, input, std::ranges::min(ks), session);
  if (!spectrum.complete || !model.complete || !attention.complete) refuse_interrupted();
  const AdviceResult advice = advise(
      {.accuracy = costs, .spectrum = spectrum, .model = model, .attention = attention, .choice = choice},
      goal);
  const Json report = advise_report(session.context(true),
                                    {.input = input.facts, .method = method_json(o, accuracy)}, advice);
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    write_file_atomically(places.report, dump_json(report));
    show_advice(advice, report, preface(input, sample_of(costs)) + "\n", session);
    session.note(fmt::format("report: {}", places.report));
  }
  return 0;
}

}  // namespace

Action add_advise(CLI::App& app) {
  auto o = std::make_shared<AdviseCommand>();
  app.description(
      "Whether low rank pays on this model, length and machine: the smallest k of each layer, what it costs, "
      "what it saves against exact attention, and a plain verdict.");
  app.footer(
      "Examples:\n"
      "  linformer advise\n"
      "  linformer advise --checkpoint my-bert/ --text books.jsonl --sequences 20 --loss-increase 2%\n");
  add_input_options(app, o->input, {.text = true, .stack = true});
  const char* group = "Advice";
  app.add_option("--loss-increase", o->loss_increase,
                 "what may be lost, as a share of the (masked-)LM loss (default: 1%)")
      ->group(group);
  app.add_option(
         "--hidden-error", o->hidden_error,
         "the same of models without a head, as the relative error of the last hidden states (default: "
         "10%)")
      ->group(group);
  app.add_option("--k", o->k, "slots that are tried, a list (default: n/8, n/4, n/2)")->group(group);
  app.add_option("--calibration", o->calibration,
                 "share of the sequences that E and F are fitted to; the others are judged by (default: 0.5)")
      ->check(share_number())
      ->group(group);
  app.add_option("--budget", o->budget, "time for timing, e.g. 1m (default: 20s)")->group(group);
  add_common_options(app, o->common, {.seed = true, .out = true, .format = true, .progress = true});
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
