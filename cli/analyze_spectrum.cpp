// SPDX-License-Identifier: MIT
// linformer analyze-spectrum: singular values of every head's probabilities over many sequences.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "commands.h"
#include "interrupt.h"
#include "io/json.h"
#include "matrix_free.h"
#include "preface.h"
#include "report/failed_checks.h"
#include "show_result.h"
#include "spectrum/attention_maps.h"
#include "spectrum/controls.h"
#include "spectrum_run.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "analyze-spectrum";

std::string duration(double seconds) {
  if (seconds < 600) return fmt::format("{:.0f} s", seconds);
  return seconds < 36000 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

// What a sequence takes by phase, and all of them.
std::string time_table(const SpectrumSeconds& each, double sequences) {
  const double rest =
      each.total - each.forward - each.singular_values - each.statistics - each.controls - each.verify;
  std::string text;
  const auto add = [&](const char* phase, double seconds) {
    text += fmt::format("        {:<28}{:>10.4f} s {:>10}\n", phase, seconds, duration(seconds * sequences));
  };
  add("forward pass but softmax", each.forward - each.softmax);
  add("softmax", each.softmax);
  add("singular values", each.singular_values);
  add("statistics", each.statistics);
  if (each.controls > 0) add("controls", each.controls);
  add("verification and the rest", each.verify + rest);
  return text;
}

// A batch of sequences is run for the time, after another one.
int dry_run(Analysis& analysis, const OpenInput& input, Untrained& untrained, const ReportPlaces& places) {
  const auto sequences = static_cast<double>(input.source->facts().sizes.size());
  const int64_t disk = analysis.disk_bytes({.journal = places.journal, .spectra = places.spectra});
  const int64_t memory = analysis.required_bytes(std::ssize(untrained.sources));
  const SpectrumSeconds each = analysis.seconds_per_sequence(untrained.sources);
  print(fmt::format(
      "{} sequences (the first of {} tokens), {} layers, {} heads: {} matrices by {}\n"
      "time    about {}; {:.3f} s a sequence, measured on {} at a time after a warm-up:\n{}"
      "        threads waited for others in {:.1f} % of the time of singular values\n"
      "memory  {} of buffers beside the weights\ndisk    {} beside the report\n",
      sequences, input.source->facts().sizes.front().rows, analysis.options().layers.size(),
      analysis.options().heads.size(), analysis.matrices(), analysis.options().method,
      duration(each.total * sequences), each.total,
      std::min(analysis.options().batch, std::ssize(input.source->facts().sizes)),
      time_table(each, sequences), 100 * each.idle_share(), format_bytes(memory), format_bytes(disk)));
  return 0;
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
  if (!places.journal.empty()) session.note(how_to_go_on(places));
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
  if (o.attention_maps) check_sequence(input.source->facts(), *o.attention_maps, kMapsOption);
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
