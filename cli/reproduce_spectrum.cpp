// SPDX-License-Identifier: MIT
// The targets that run a model over a text: figure1 and theorems.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "input.h"
#include "report/against_paper.h"
#include "report/spectrum_read.h"
#include "reproduce_targets.h"
#include "spectrum_run.h"
#include "theorems/sampled_heads.h"

namespace linformer::cli {
namespace {

SpectrumOptions spectrum_options(const ReproduceOptions& o, const std::string& report) {
  SpectrumOptions options;
  options.common = o.common;
  options.common.out = report;
  options.input = o.input;
  options.no_centred = true;  // not in the figure
  options.attention_maps = 0;
  options.resume.force = true;
  return options;
}

// As many as the time allows, by the time of the first one; all that were asked for if --sequences says how
// many.
int64_t affordable_sequences(const SpectrumOptions& options, OpenInput& input, double seconds,
                             Session& session) {
  const auto there = std::ssize(input.source->facts().sizes);
  if (options.input.sequences > 0) return there;
  Analysis probe(*input.source, analysis_options(options), session.run());
  std::vector<std::unique_ptr<AttentionSource>> none;
  const double each = probe.seconds_per_sequence(none).total;
  session.note(
      fmt::format("figure1: {:.2f} s a sequence; 10,000 would take {:.1f} h", each, each * 1e4 / 3600));
  return std::clamp(static_cast<int64_t>(seconds / each), int64_t{1}, static_cast<int64_t>(there));
}

}  // namespace

Reproduction reproduce_figure1(const ReproduceOptions& o, double seconds, const std::string& folder,
                               Session& session) {
  const std::string path = folder + "/spectrum.json";
  SpectrumOptions options = spectrum_options(o, path);
  const ReportPlaces places = choose_places(path, "");
  check_places(places, files_read(o.input, session));
  OpenInput input = open_input(options.input, {}, session);
  options.input.sequences = affordable_sequences(options, input, seconds, session);
  if (options.input.sequences < std::ssize(input.source->facts().sizes))
    input = open_input(options.input, {}, session);
  Analysis analysis(*input.source, analysis_options(options), session.run());
  Untrained untrained;
  const SpectrumRun run = analyze(options, places, input, analysis, untrained, session);
  Reproduction reproduction = figure1_reproduction({.file = open_report(path), .result = run.result});
  reproduction.reports = {"spectrum.json"};
  return reproduction;
}

Reproduction reproduce_theorems(const ReproduceOptions& o, double /*seconds*/, const std::string& /*folder*/,
                                Session& session) {
  constexpr int64_t kDraws = 20, kHeadSize = 64;
  InputOptions one = o.input;
  one.sequences = 1;
  const OpenInput input = open_input(one, {}, session);
  std::vector<HeadSample> heads = {random_head(512, kHeadSize, o.common.seed),
                                   random_head(2048, kHeadSize, o.common.seed)};
  for (HeadSample& head : sample_heads(*input.source)) heads.push_back(std::move(head));
  std::vector<TheoremTrial> trials;
  for (const HeadSample& head : heads) {
    for (const double epsilon : {0.5, 0.25, 0.1}) {
      trials.push_back(try_theorem1(head, epsilon, kDraws, o.common.seed));
      trials.push_back(try_theorem2(head, epsilon, kDraws, o.common.seed));
    }
  }
  return theorems_reproduction(trials);
}

}  // namespace linformer::cli
