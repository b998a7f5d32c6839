// SPDX-License-Identifier: MIT
#include "spectrum_run.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "report/spectrum_csv.h"
#include "report/spectrum_json.h"
#include "run_identity.h"
#include "spectrum/attention_maps.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;

Json method_json(const SpectrumOptions& o, const AnalysisOptions& options, const OpenInput& input,
                 const ReportContext& context) {
  Json at;
  for (const AtPoint& point : options.at) at.push_back(point.label());
  Json json = {
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
      {"attention_maps", o.attention_maps ? Json(*o.attention_maps) : Json()},
      {"seed", options.seed},
      {"batch_sequences", options.batch},
      {"verify_share", options.verify},
      {"until_width", options.until_width},
      {"layers", options.layers},
      {"heads", options.heads}};
  json.update(arithmetic_json(context));
  json["quantiles"] = "linear between order statistics (type 7)";
  json["interval"] = kDocumentInterval;
  return json;
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

}  // namespace

Untrained open_untrained_models(const SpectrumOptions& o, const OpenInput& input, Session& session) {
  const std::vector<std::string> controls = split_at_commas(o.controls);
  if (std::ranges::find(controls, kInitControl) == controls.end()) return {};
  return open_untrained(input, o.common.seed, o.init_seeds, session);
}

SpectrumRun analyze(const SpectrumOptions& o, const ReportPlaces& places, const OpenInput& input,
                    Analysis& analysis, Untrained& untrained, Session& session) {
  const PlacesLock lock(places);
  const bool resume = should_resume(places, o.resume);
  if (o.resume.resume && !resume) session.note(nothing_to_resume(places));
  const Json method = method_json(o, analysis.options(), input, session.context(true));
  const AnalysisFiles files{.journal = places.journal,
                            .spectra = places.spectra,
                            .resume = resume,
                            .identity = run_identity(kSpectrumSchema, input.fingerprint, method)};
  if (!resume) discard(files);
  const double load_seconds = session.seconds();
  SpectrumResult result = analysis.run(std::move(untrained.sources), files);
  result.seconds.load = load_seconds;
  if (o.attention_maps && result.complete) {
    result.attention_maps = attention_maps(*input.source, *o.attention_maps, analysis.options().layers,
                                           analysis.options().heads, session.run());
  }
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
  return {.result = std::move(result), .report = std::move(report)};
}

}  // namespace linformer::cli
