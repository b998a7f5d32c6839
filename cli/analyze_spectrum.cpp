// SPDX-License-Identifier: MIT
// linformer analyze-spectrum: singular values of every head's probabilities over many sequences.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/build_info.h"
#include "base/error.h"
#include "commands.h"
#include "input.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "io/sha256.h"
#include "matrix_free.h"
#include "options.h"
#include "preface.h"
#include "report/failed_checks.h"
#include "report/spectrum_csv.h"
#include "report/spectrum_json.h"
#include "report_places.h"
#include "show_result.h"
#include "spectrum/analysis.h"
#include "spectrum_options.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "analyze-spectrum";

Json method_json(const SpectrumOptions& o, const AnalysisOptions& options, const OpenInput& input,
                 const ReportContext& context) {
  Json at;
  for (const AtPoint& point : options.at) at.push_back(point.label());
  return {
      {"singular_values", options.method},
      {"cumulative", "mean over sequences of the first m singular values' share of their sum, no squares"},
      {"at", at},
      {"stack", input.plan ? Json(name_of(input.plan->architecture.stack())) : Json()},
      {"centred", options.centred},
      {"logits", options.logits},
      {"controls", options.controls},
      {"init_seeds", o.init_seeds},
      {"matched_head_size", options.head_size},
      {"drop_special_tokens", o.input.drop_special_tokens},
      {"seed", options.seed},
      {"batch_sequences", options.batch},
      {"verify_share", options.verify},
      {"until_width", options.until_width},
      {"layers", options.layers},
      {"heads", options.heads},
      {"isa", context.isa},
      {"onednn_isa", context.libraries.onednn_isa},
      {"lapack_core", context.libraries.lapack_core},
      {"quantiles", "linear between order statistics (type 7)"},
      {"interval", "Student t over units: documents, or up to 20 blocks of sequences below 5 documents"}};
}

// Equal for runs whose results may be joined.
std::string identity_of(const OpenInput& input, Json method) {
  const Json identity = {{"schema", kSpectrumSchema},
                         {"input", input.fingerprint},
                         {"method", std::move(method)},
                         {"version", build_info().version}};
  Sha256 digest;
  digest.update(identity.dump());
  return digest.hex_digest();
}

// The same sequences through models with random weights, for the control init.
struct Untrained {
  std::vector<std::unique_ptr<Model>> models;
  std::vector<std::unique_ptr<AttentionSource>> sources;
};

Untrained open_untrained_models(const SpectrumOptions& o, const OpenInput& input, Session& session) {
  Untrained untrained;
  const std::vector<std::string> controls = split_at_commas(o.controls);
  if (std::find(controls.begin(), controls.end(), kInitControl) == controls.end()) return untrained;
  if (!input.plan) {
    throw Error(ErrorCode::kUsage, {.subject = "--control",
                                    .found = kInitControl,
                                    .expected = "a checkpoint, whose architecture is run with random weights",
                                    .remedy = "Leave it out"});
  }
  for (int64_t i = 0; i < o.init_seeds; ++i) {
    const uint64_t seed = o.common.seed + static_cast<uint64_t>(i);
    untrained.sources.push_back(open_untrained(input, seed, untrained.models, session));
  }
  return untrained;
}

// One sequence is run for the time.
int dry_run(Analysis& analysis, const OpenInput& input, Untrained& untrained, const ReportPlaces& places) {
  const auto sequences = static_cast<double>(input.source->facts().sizes.size());
  const int64_t disk = analysis.disk_bytes({.journal = places.journal, .spectra = places.spectra});
  const int64_t memory = analysis.required_bytes(std::ssize(untrained.sources));
  const double seconds = analysis.seconds_per_sequence(untrained.sources);
  print(
      fmt::format("{} sequences (the first of {} tokens), {} layers, {} heads: {} matrices by {}\n"
                  "time    about {:.0f} s ({:.2f} s a sequence, measured on the first)\n"
                  "memory  {} of buffers beside the weights\ndisk    {} beside the report\n",
                  sequences, input.source->facts().sizes.front().rows, analysis.options().layers.size(),
                  analysis.options().heads.size(), analysis.matrices(), analysis.options().method,
                  seconds * sequences, seconds, format_bytes(memory), format_bytes(disk)));
  return 0;
}

std::optional<std::string> optional_text(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

void write_files(const SpectrumResult& result, const Json& report, const ReportPlaces& places) {
  if (places.standard_output) return;
  if (!places.curves.empty()) {
    AtomicFile curves(places.curves);
    write_curves_csv(result, [&](std::string_view rows) { curves.write(rows); });
    curves.commit();
  }
  write_file_atomically(places.report, dump_json(report));
}

// Whether --until-width got what it wanted.
void note_width(const SpectrumResult& result, double width, const Session& session) {
  if (width <= 0 || !result.complete) return;
  session.note(result.stopped_because == kAllSequences
                   ? fmt::format("--until-width {}: not reached at a look; all {} sequences were analysed",
                                 width, result.sequences)
                   : fmt::format("--until-width {}: reached after {} of {} sequences", width,
                                 result.sequences, result.planned_sequences));
}

void show(const SpectrumResult& result, const Json& report, const ReportPlaces& places,
          const std::string& preface, const Session& session) {
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    if (result.sequences > 0) show_spectrum(result, report, preface, session);
    session.note(fmt::format("report: {}", places.report));
  }
  if (!places.curves.empty()) session.note(fmt::format("curves: {}", places.curves));
  if (!places.spectra.empty()) session.note(fmt::format("spectra: {}", places.spectra));
  if (result.complete) return;
  session.note(fmt::format("stopped after {} of {} sequences", result.sequences, result.planned_sequences));
  if (!places.journal.empty()) {
    session.note(fmt::format("the same command with --out {} --resume goes on", places.report));
  }
}

// Analyses and writes, with the places to itself until all is there.
std::pair<SpectrumResult, Json> analyze(const SpectrumOptions& o, const ReportPlaces& places,
                                        const OpenInput& input, Analysis& analysis, Untrained& untrained,
                                        Session& session) {
  const PlacesLock lock(places);
  const bool resume = should_resume(places, o.resume);
  if (o.resume.resume && !resume) session.note(nothing_to_resume(places));
  const Json method = method_json(o, analysis.options(), input, session.context(true));
  const AnalysisFiles files{.journal = places.journal,
                            .spectra = places.spectra,
                            .resume = resume,
                            .identity = identity_of(input, method)};
  if (!resume) discard(files);
  const double load_seconds = session.seconds();
  SpectrumResult result = analysis.run(std::move(untrained.sources), files);
  result.seconds.load = load_seconds;
  Json report = spectrum_report(session.context(true),
                                {.input = input.facts,
                                 .identity = files.identity,
                                 .method = method,
                                 .curves_csv = optional_text(places.curves),
                                 .spectra = optional_text(places.spectra)},
                                result);
  if (places.journal.empty()) end_on_signals();  // a pipe, perhaps without a reader
  write_files(result, report, places);
  if (result.complete) discard(files);
  return {std::move(result), std::move(report)};
}

// Asked only where a limit is set: the input is opened for it.
bool p_is_too_large(const SpectrumOptions& o, Session& session) {
  if (o.analysis.method != "auto" || o.common.memory.empty()) return false;
  const OpenInput input = open_input(o.input, o.selection.layer_list(), session);
  const Analysis analysis(*input.source, analysis_options(o), session.run());
  if (!should_do_without_p(o, input.source->facts(), analysis.required_bytes(0), session)) return false;
  session.note(fmt::format("P does not fit into --memory {}: --method matrix-free", o.common.memory));
  return true;
}

int run(const SpectrumOptions& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  const ReportPlaces places =
      choose_places(o.common.out.empty() ? session.default_report(kCommand) : o.common.out, o.spectra);
  check_places(places, files_read(o.input, session));
  should_resume(places, o.resume);  // asked again under the lock; here for an early refusal
  if (o.analysis.method == kMatrixFree || p_is_too_large(o, session)) {
    return analyze_without_p(o, places, session);
  }
  OpenInput input = open_input(o.input, o.selection.layer_list(), session);
  Analysis analysis(*input.source, analysis_options(o), session.run());
  Untrained untrained = open_untrained_models(o, input, session);
  if (o.common.dry_run) return dry_run(analysis, input, untrained, places);

  stop_on_signals();
  const auto [result, report] = analyze(o, places, input, analysis, untrained, session);
  show(result, report, places, preface(input, result, analysis.options().head_size), session);
  note_width(result, o.analysis.until_width, session);
  if (result.checks.passed) return 0;
  message("linformer: " + failed_checks(result.checks));
  return 1;
}

}  // namespace

Action add_analyze_spectrum(CLI::App& app) {
  auto o = std::make_shared<SpectrumOptions>();
  add_spectrum_options(app, *o);
  return [o, &app](const Invocation& invocation) {
    settle_options(app, *o);
    return run(*o, invocation);
  };
}

}  // namespace linformer::cli
