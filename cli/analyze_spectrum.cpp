// SPDX-License-Identifier: MIT
// linformer analyze-spectrum: singular values of every head's probabilities over many sequences.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "commands.h"
#include "interrupt.h"
#include "io/json.h"
#include "preface.h"
#include "report/failed_checks.h"
#include "show_result.h"
#include "spectrum/controls.h"
#include "spectrum_run.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kCommand = "analyze-spectrum";

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

void check_options(const CommonOptions& o, bool resume) {
  if (resume && (o.out.empty() || o.out == "-")) {
    throw Error(ErrorCode::kUsage, {.subject = "--resume",
                                    .found = o.out.empty() ? "no --out" : "--out -",
                                    .expected = "the --out of the run that was interrupted"});
  }
  const bool json = o.format == Format::kTable || o.format == Format::kJson;  // the former: by default
  if (o.out == "-" && !json) {
    throw Error(ErrorCode::kUsage, {.subject = "--format",
                                    .found = "given with --out -, which prints the report as JSON",
                                    .expected = "one of them"});
  }
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

int run(const SpectrumOptions& o, const Invocation& invocation) {
  Session session(o.common, invocation.environment, invocation.arguments);
  check_options(o.common, o.resume);
  const ReportPlaces places =
      choose_places(o.common.out.empty() ? session.default_report(kCommand) : o.common.out, o.spectra);
  check_places(places, files_read(o.input, session));
  should_resume(places, o.resume, o.force);  // asked again under the lock; here for an early refusal
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
  app.description(
      "Singular values of every head's attention probabilities: is attention in this model low rank, where, "
      "how much, and against what?");
  app.footer(
      "Examples:\n"
      "  linformer analyze-spectrum\n"
      "  linformer analyze-spectrum --checkpoint my-bert/ --text book.txt --sequences 100 --out "
      "spectrum.json\n");
  add_input_options(app, o->input,
                    {.text = true, .inputs = true, .tensors = true, .drop = true, .stack = true});
  add_selection(app, o->selection);
  const char* group = "Analysis";
  app.add_option("--at", o->at,
                 "indices m (128) or shares of n (25%) at which cumulative values are reported; the first "
                 "is compared with the controls (default: n/4)")
      ->group(group);
  app.add_option("--control", o->controls, "any of " + control_help() + ", or none (default: matched)")
      ->check(each_of(control_names()))
      ->group(group);
  app.add_option("--init-seeds", o->init_seeds, "untrained models of the control init (default: 3)")
      ->check(CLI::Range(1, 100))
      ->group(group);
  app.add_option("--head-size", o->analysis.head_size,
                 "rank of the matched control's logits where the input does not tell (default: 64)")
      ->transform(whole_number<int64_t>(1))
      ->group(group);
  app.add_flag("--no-centred", o->no_centred, "leave out the spectrum of P - 1 p'")->group(group);
  app.add_flag("--logits", o->analysis.logits, "the spectrum of the logits too")->group(group);
  app.add_option(
         "--method", o->analysis.method,
         "fast (our own kernels, f32), gram (f64 Gram matrix), gesdd (LAPACK, f32) or auto (the default), "
         "which is fast")
      ->check(one_of(std::vector<std::string>{"auto", "fast", "gesdd", "gram"}))
      ->group(group);
  app.add_option("--verify", o->analysis.verify,
                 "share of the matrices computed again in f64 (default: 0.002)")
      ->check(share_number())
      ->group(group);
  app.add_option("--until-width", o->analysis.until_width,
                 "stop once every layer's interval of the cumulative value is narrower than this")
      ->check(positive_number())
      ->group(group);
  app.add_option("--batch", o->analysis.batch, "sequences at a time (default: about 2048 tokens)")
      ->check(CLI::Range(1, 65536))
      ->group(group);
  app.add_option("--spectra", o->spectra, "write every singular value to this safetensors file")
      ->group(group);
  CLI::Option* resume =
      app.add_flag("--resume", o->resume, "go on where an interrupted run stopped")->group(group);
  app.add_flag("--force", o->force, "begin again where an interrupted run stopped")
      ->group(group)
      ->excludes(resume);
  add_common_options(app, o->common,
                     {.seed = true, .out = true, .format = true, .progress = true, .dry_run = true});
  return [o](const Invocation& invocation) { return run(*o, invocation); };
}

}  // namespace linformer::cli
