// SPDX-License-Identifier: MIT
// linformer accuracy: what low rank and each mechanism cost on a checkpoint's own heads and on its loss.
#include "accuracy/accuracy.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "accuracy_options.h"
#include "base/error.h"
#include "checkpoint/safetensors_writer.h"
#include "commands.h"
#include "input.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "preface.h"
#include "report/accuracy_json.h"
#include "report/numbers.h"
#include "report_places.h"
#include "run_identity.h"
#include "show_result.h"
#include "whole_model.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "accuracy";

Json method_json(const AccuracyCommand& o, const Accuracy& accuracy, const ReportContext& context) {
  Json cells = Json::array();
  for (const AccuracyCell& cell : accuracy.cells()) cells.push_back(cell.name);
  const AccuracyOptions& options = accuracy.options();
  Json json = {{"cells", cells},
               {"output_error", "|O' - O| / |O| of a head on a sequence, Frobenius"},
               {"skill", "1 - |O' - O|^2 / |O - mean(V)|^2"},
               {"divergence", "mean over rows of KL(P | P')"},
               {"hidden_error", "|H' - H| / |H| of the last hidden states, Frobenius"},
               {"calibration_share", options.calibration},
               {"control", o.control},
               {"init_seeds", o.init_seeds},
               {"layers_alone", !o.no_layers},
               {"whole_model", !o.no_model},
               {"seed", options.seed},
               {"batch_sequences", options.batch},
               {"layers", options.layers},
               {"heads", options.heads}};
  json.update(arithmetic_json(context));
  json["interval"] = kDocumentInterval;
  return json;
}

void write_learnt(const std::string& path, const std::vector<LearntTensor>& tensors) {
  std::vector<TensorSpec> specs;
  specs.reserve(tensors.size());
  for (const LearntTensor& tensor : tensors)
    specs.push_back({tensor.name, DType::kF32, {tensor.values.rows, tensor.values.cols}});
  SafetensorsWriter writer(path, std::move(specs));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const MatrixView<const float>& values = tensors[i].values;
    writer.write(i, 0, std::span(values.data, static_cast<size_t>(values.rows * values.cols)));
  }
  writer.commit();
}

ReportPlaces places_of(const AccuracyCommand& o, const Session& session) {
  ReportPlaces places =
      choose_places(o.common.out.empty() ? session.default_report(kCommand) : o.common.out, "");
  places.curves.clear();
  places.fitted = o.save_fitted;
  check_places(places, files_read(o.input, session));
  if (o.save_fitted.empty()) return places;
  if (!o.mechanisms.empty() && o.mechanisms.find("fitted") == std::string::npos) {
    throw Error(ErrorCode::kUsage, {.subject = "--save-fitted",
                                    .found = "no fitted among --mechanisms",
                                    .expected = "something that is fitted"});
  }
  const AtomicFile writable(o.save_fitted);  // should fail before the work, not after
  return places;
}

int exit_code(const AccuracyResult& result) {
  if (result.checks.passed()) return 0;
  message(fmt::format("linformer: check failed: exact replacements differ by {:.2g}, more than {:.2g}",
                      result.checks.largest_exact_error, kExactTolerance));
  return 1;
}

void note_stopped(const AccuracyResult& result, const ReportPlaces& places, const Session& session) {
  session.note(fmt::format("stopped after {} of {} sequences", result.sequences, result.planned_sequences));
  if (places.journal.empty()) return;
  const char* const again = result.calibration_sequences > 0 ? "; what was learnt is learnt again" : "";
  session.note(how_to_go_on(places) + again);
}

// One sequence is learnt from and one batch is judged, for the time.
int dry_run(Accuracy& accuracy, const OpenInput& input, const ReportPlaces& places) {
  const AccuracyForecast forecast = accuracy.forecast({.journal = places.journal});
  const Split& split = accuracy.split();
  print(fmt::format(
      "{} of {} tokens, {} to learn from and {} to judge by; {} in {} x {}\n"
      "time    about {:.0f} s to learn and {:.0f} s to judge, measured on the first of each\n"
      "memory  {} of buffers, weights included\ndisk    {} beside the report\n",
      counted(std::ssize(split.calibration) + std::ssize(split.evaluation), "sequence"),
      input.source->facts().sizes.front().rows, split.calibration.size(), split.evaluation.size(),
      counted(std::ssize(accuracy.cells()), "replacement"),
      counted(std::ssize(accuracy.options().layers), "layer"),
      counted(std::ssize(accuracy.options().heads), "head"), forecast.calibration_seconds,
      forecast.evaluation_seconds, format_bytes(forecast.memory_bytes), format_bytes(forecast.disk_bytes)));
  return 0;
}

int run(const AccuracyCommand& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  check_output_options(o.common, o.resume);
  const ReportPlaces places = places_of(o, session);
  should_resume(places, o.resume);  // asked again under the lock; here for an early refusal
  const OpenInput input = open_input(o.input, {}, session, true);
  Untrained untrained;
  if (o.control != "none") untrained = open_untrained(input, o.common.seed, o.init_seeds, session);
  std::vector<AttentionSource*> beside;
  for (const auto& source : untrained.sources) beside.push_back(source.get());
  const ModelMeasure::Parts parts{.layers = !o.no_layers, .model = !o.no_model};
  WholeModel whole;
  if (parts.layers || parts.model) whole = whole_model(input, parts, o.common.seed, session);
  Accuracy accuracy(*input.source, beside, std::move(whole),
                    accuracy_options(o, input.source->facts().causal), session.run());
  if (o.common.dry_run) return dry_run(accuracy, input, places);

  stop_on_signals();
  const PlacesLock lock(places);
  const Json method = method_json(o, accuracy, session.context(true));
  const AnalysisFiles files{.journal = places.journal,
                            .resume = should_resume(places, o.resume),
                            .identity = run_identity(kAccuracySchema, input.fingerprint, method)};
  if (!files.resume) discard(files);
  const double load_seconds = session.seconds();
  AccuracyResult result = accuracy.run(files);
  result.seconds.load = load_seconds;
  if (!o.save_fitted.empty() && result.complete) write_learnt(o.save_fitted, accuracy.learnt());
  const Json report = accuracy_report(
      session.context(true),
      {.input = input.facts, .identity = files.identity, .method = method, .fitted = o.save_fitted}, result);
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    write_file_atomically(places.report, dump_json(report));
    if (result.sequences > 0) show_accuracy(result, report, preface(input, sample_of(result)), session);
    session.note(fmt::format("report: {}", places.report));
  }
  if (result.complete)
    discard(files);
  else
    note_stopped(result, places, session);
  return exit_code(result);
}

}  // namespace

Action add_accuracy(CLI::App& app) {
  auto o = std::make_shared<AccuracyCommand>();
  app.description(
      "What it costs, without training, to put low rank and other attention in the place of a model's own: "
      "on the outputs of its heads, on its last hidden states and on its loss.");
  app.footer(
      "Examples:\n"
      "  linformer accuracy\n"
      "  linformer accuracy --checkpoint my-bert/ --text books.jsonl --mechanisms 'svd;subspace;local' "
      "--k 32..256*2\n");
  add_accuracy_options(app, *o);
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
