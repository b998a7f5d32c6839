// SPDX-License-Identifier: MIT
// linformer advise: joins spectrum, accuracy and bench for one checkpoint, length and machine.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "advise/decide.h"
#include "advise_options.h"
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

[[noreturn]] void give_up() {
  throw Interrupted(
      "advise: stopped before its end; nothing is kept. accuracy, analyze-spectrum and bench go on with "
      "--resume, and advise takes their reports by --accuracy, --spectrum and --bench");
}

SpectrumResult measure_spectrum(AttentionSource& source, Session& session) {
  return Analysis(source, {.controls = {}, .centred = false, .verify = 0}, session.run()).run({}, {});
}

BenchOptions bench_options(const AdviseCommand& o) {
  return {.seed = o.common.seed,
          .references = {"flash"},
          .budget_seconds = parse_seconds(o.budget, "--budget") / 2};
}

// Of flash alone, without lengths.
SweepOptions sweep_of(const OpenInput& input, int threads) {
  return {.mechanisms = {"flash"},
          .lengths = {},
          .heads = {input.plan->architecture.heads},
          .head_sizes = {input.plan->architecture.head_size},
          .batches = {1},
          .threads = {threads}};
}

// The model at the length, by flash and by whatever stands for its attention with fewer slots than tokens.
BenchResult time_model(const AdviseCommand& o, const OpenInput& input, const AccuracyResult& costs,
                       Session& session) {
  SweepOptions of = sweep_of(input, session.run().threads);
  of.lengths = {costs.length};
  of.layers = input.model->layer_count();
  for (const std::string& mechanism : mechanisms_to_time(costs)) of.mechanisms.push_back(mechanism);
  const ModelSubject subject(*input.model, input.checkpoint->path(), o.common.seed);
  return bench(sweep(of), subject, bench_options(o), session.run());
}

// Attention alone by the least k of a linformer, over lengths.
BenchResult time_attention(const AdviseCommand& o, const OpenInput& input, const AccuracyResult& costs,
                           Session& session) {
  constexpr int64_t kDoublings = 4;
  int64_t k = std::numeric_limits<int64_t>::max();
  for (const CellAccuracy& cell : costs.cells)
    if (!timed_as(cell.cell).empty()) k = std::min(k, cell.cell.k);
  if (k == std::numeric_limits<int64_t>::max()) return {};
  SweepOptions of = sweep_of(input, session.run().threads);
  of.mechanisms.push_back(fmt::format("linformer:k={},sharing=none", k));
  for (int64_t i = 1; i <= kDoublings + 1; ++i) of.lengths.push_back(k << i);
  return bench(sweep(of), AttentionSubject(1, o.common.seed), bench_options(o), session.run());
}

// What is wrong with an option is said before anything runs.
void check_options(const AdviseCommand& o) {
  parse_share(o.loss_increase, "--loss-increase");
  parse_share(o.hidden_error, "--hidden-error");
  parse_seconds(o.budget, "--budget");
}

// Of the loss where the model has one.
AdviceGoal goal_of(const AdviseCommand& o, const AccuracyResult& accuracy) {
  const bool of_loss = accuracy.loss.has_value();
  return {.of_loss = of_loss,
          .increase = of_loss ? parse_share(o.loss_increase, "--loss-increase")
                              : parse_share(o.hidden_error, "--hidden-error")};
}

// Measures what replacements cost, and what choices of them for each layer do.
LayerChoice measure_accuracy(const AdviseCommand& o, const OpenInput& input, int64_t length,
                             AdviseParts& parts, Session& session) {
  WholeModel whole = whole_model(input, {}, o.common.seed, session);
  if (whole.model == nullptr) {
    throw Error(ErrorCode::kUnsupported,
                {.subject = "advise", .found = "a model of images", .expected = "a model of text"});
  }
  Accuracy accuracy(*input.source, {}, std::move(whole), accuracy_options(o, length), session.run());
  parts.accuracy = accuracy.run({});
  if (!parts.accuracy->complete) give_up();
  return choose_layers(*parts.accuracy, goal_of(o, *parts.accuracy),
                       [&](const std::vector<int64_t>& cells) { return accuracy.of_choice(cells); });
}

// Runs what was not read; what was read is of this input.
LayerChoice complete(const AdviseCommand& o, const OpenInput& input, int64_t length, AdviseParts& parts,
                     Session& session) {
  LayerChoice choice;
  if (!parts.accuracy) choice = measure_accuracy(o, input, length, parts, session);
  if (!parts.spectrum) parts.spectrum = measure_spectrum(*input.source, session);
  if (!parts.model) parts.model = time_model(o, input, *parts.accuracy, session);
  if (!parts.attention) parts.attention = time_attention(o, input, *parts.accuracy, session);
  if (!parts.spectrum->complete || !parts.model->complete || !parts.attention->complete) give_up();
  return choice;
}

Json method_json(const AdviseCommand& o, const AdviseParts& parts) {
  Json cells = Json::array(), read = Json::array();
  for (const CellAccuracy& cell : parts.accuracy->cells) cells.push_back(cell.cell.name);
  for (const ReportFile& file : parts.files)
    read.push_back({{"file", file.path},
                    {"schema", file.root()["schema"].text()},
                    {"identity", file.root()["identity"].text()}});
  return {
      {"cells", cells},
      {"loss_increase", parse_share(o.loss_increase, "--loss-increase")},
      {"hidden_error", parse_share(o.hidden_error, "--hidden-error")},
      {"calibration_sequences", parts.accuracy->calibration_sequences},
      {"seed", o.common.seed},
      {"budget_seconds", parse_seconds(o.budget, "--budget")},
      {"by_layer", "an even part of the goal for each layer, halved until the whole model keeps within it"},
      {"time", "of nystrom its own; of the others that of a linformer with E and F of every head"},
      {"read", read}};
}

std::string names_of(const AdviseParts& parts) {
  std::vector<std::string> names;
  for (const ReportFile& file : parts.files) names.push_back(file.path);
  return fmt::format("{}", fmt::join(names, ", "));
}

ReportPlaces places_of(const AdviseCommand& o, const Session& session) {
  ReportPlaces places =
      choose_places(o.common.out.empty() ? session.default_report(kCommand) : o.common.out, "");
  places.curves.clear();
  std::vector<std::string> read = files_read(o.input, session);
  for (const std::string& path : {o.reports.accuracy, o.reports.spectrum})
    if (!path.empty()) read.push_back(path);
  read.insert(read.end(), o.reports.benches.begin(), o.reports.benches.end());
  check_places(places, read);
  return places;
}

int run(const AdviseCommand& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  check_options(o);
  const ReportPlaces places = places_of(o, session);
  AdviseParts parts = read_advise_parts(o.reports);
  std::optional<OpenInput> input;
  if (!parts.complete()) input = open_input(o.input, {}, session, true);
  const Json facts = input ? input->facts : Json(input_of_accuracy(parts));
  const int64_t length = input ? input->source->facts().sizes.front().rows : parts.accuracy->length;
  require_parts_of(parts, facts, length);

  stop_on_signals();
  const PlacesLock lock(places);
  LayerChoice choice;
  const bool choose_from_report = parts.accuracy.has_value();
  if (input) choice = complete(o, *input, length, parts, session);
  const AdviceGoal goal = goal_of(o, *parts.accuracy);
  if (choose_from_report) choice = estimated_layers(*parts.accuracy, goal);
  const AdviceResult advice = advise({.accuracy = *parts.accuracy,
                                      .spectrum = *parts.spectrum,
                                      .model = at_length(*parts.model, length),
                                      .attention = parts.attention.value_or(BenchResult{}),
                                      .choice = choice},
                                     goal);
  const Json report =
      advise_report(session.context(true), {.input = facts, .method = method_json(o, parts)}, advice);
  if (places.standard_output) {
    print(dump_json(report));
    return 0;
  }
  write_file_atomically(places.report, dump_json(report));
  const std::string read = parts.files.empty() ? "" : fmt::format("read       {}\n", names_of(parts));
  show_advice(advice, report, (input ? preface(*input, sample_of(*parts.accuracy)) : "") + read + "\n",
              session);
  session.note(fmt::format("report: {}", places.report));
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
      "  linformer advise --accuracy accuracy.json --spectrum spectrum.json --bench model.json "
      "attention.json\n");
  add_advise_options(app, *o);
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
