// SPDX-License-Identifier: MIT
#include "matrix_free.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parse.h"
#include "input.h"
#include "interrupt.h"
#include "io/atomic_file.h"
#include "io/json.h"
#include "preface.h"
#include "report/certified.h"
#include "report/failed_checks.h"
#include "report/spectrum_json.h"
#include "run_identity.h"
#include "show_result.h"
#include "spectrum/certified_analysis.h"

namespace linformer::cli {
namespace {

using Json = nlohmann::ordered_json;

// Lengths in the order in which they are analysed; 0: the default.
std::vector<int64_t> lengths_of(const SpectrumOptions& o) {
  if (o.lengths.empty()) return {o.input.length};
  std::vector<int64_t> lengths = parse_list(o.lengths, "--lengths");
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  if (lengths.front() >= 1) return lengths;
  throw Error(ErrorCode::kUsage, {.subject = "--lengths",
                                  .found = std::to_string(lengths.front()),
                                  .expected = "lengths of at least 1"});
}

OpenInput open_length(const SpectrumOptions& o, int64_t length, Session& session) {
  InputOptions options = o.input;
  options.length = length;
  return open_input(options, o.selection.layer_list(), session);
}

CertifiedAnalysis analysis_of(const SpectrumOptions& o, const OpenInput& input, Session& session) {
  CertifiedAnalysisOptions options{
      .spectrum = o.certified, .layers = o.selection.layer_list(), .heads = o.selection.head_list()};
  options.spectrum.seed = o.common.seed;
  return {*input.source, std::move(options), session.run()};
}

Json method_json(const SpectrumOptions& o, const CertifiedAnalysisOptions& options, const OpenInput& input,
                 const ReportContext& context) {
  Json json = {{"singular_values", kMatrixFree},
               {"stack", input.plan ? Json(name_of(input.plan->architecture.stack())) : Json()},
               {"values", options.spectrum.values},
               {"tolerance", options.spectrum.tolerance},
               {"probes", options.spectrum.probes},
               {"krylov_width", kKrylovWidth},
               {"basis_vectors", options.spectrum.basis > 0 ? Json(options.spectrum.basis) : Json()},
               {"lengths", lengths_of(o)},
               {"drop_special_tokens", o.input.drop_special_tokens},
               {"seed", options.spectrum.seed},
               {"layers", options.layers},
               {"heads", options.heads}};
  json.update(arithmetic_json(context));
  json["interval"] =
      "of one head's P: the sure ones always hold, the others at the confidence, all of a head together";
  return json;
}

// What a run over all lengths gathers for its report.
struct Findings {
  SpectrumResult result;
  Json input, method;
  std::string identity, preface;
};

// Lengths one after another. The longest, which asks most of model and text, is opened once before all
// others. What a resumed run has of them is not done again.
Findings analyze(const SpectrumOptions& o, const ReportPlaces& places, bool resume, Session& session) {
  const std::vector<int64_t> lengths = lengths_of(o);
  if (lengths.size() > 1) {
    const OpenInput longest = open_length(o, lengths.back(), session);
    session.run().memory.require(analysis_of(o, longest, session).required_bytes(), "the analysis");
  }
  Findings all;
  std::vector<SpectrumResult> results;
  std::vector<std::string> fingerprints;
  std::optional<CertifiedJournal> journal;
  for (const int64_t length : lengths) {
    const double begin = session.seconds();
    const OpenInput input = open_length(o, length, session);
    CertifiedAnalysis analysis = analysis_of(o, input, session);
    const double loaded = session.seconds();
    all.input = input.facts;
    all.method = method_json(o, analysis.options(), input, session.context(true));
    if (!journal) journal.emplace(places.journal, run_identity(kSpectrumSchema, {}, all.method), resume);
    journal->begin_input(length, input.fingerprint);
    results.push_back(analysis.run(&*journal));
    results.back().seconds.load = loaded - begin;
    fingerprints.push_back(input.fingerprint);
    all.preface = certified_preface(input, results.back());
    if (!results.back().complete) break;
  }
  journal->save();
  all.identity = run_identity(kSpectrumSchema, fingerprints, all.method);
  all.result = joined(std::move(results));
  return all;
}

void write_files(const SpectrumResult& result, const Json& report, const ReportPlaces& places) {
  if (places.standard_output) return;
  if (!places.curves.empty()) {
    AtomicFile curves(places.curves);
    write_certified_csv(result, [&](std::string_view rows) { curves.write(rows); });
    curves.commit();
  }
  write_file_atomically(places.report, dump_json(report));
}

void show(const Findings& found, const Json& report, const ReportPlaces& places, const Session& session) {
  const SpectrumResult& result = found.result;
  if (places.standard_output) {
    print(dump_json(report));
  } else {
    if (!result.certified.empty()) show_spectrum(result, report, found.preface, session);
    session.note(fmt::format("report: {}", places.report));
  }
  if (!places.curves.empty()) session.note(fmt::format("curves: {}", places.curves));
  if (result.complete) return;
  session.note(fmt::format("stopped after {} heads, in sequence {} of {}", result.certified.size(),
                           result.sequences + 1, result.planned_sequences));
  if (!places.journal.empty()) session.note(how_to_go_on(places));
}

int dry_run(const SpectrumOptions& o, Session& session) {
  constexpr double kGuess = 70e9;  // operations a second and thread
  int64_t matrices = 0, memory = 0;
  double seconds = 0;
  std::set<int64_t> lengths;
  for (const int64_t length : lengths_of(o)) {
    const OpenInput input = open_length(o, length, session);
    for (const MapSize& size : input.source->facts().sizes) lengths.insert(size.rows);
    const CertifiedAnalysis analysis = analysis_of(o, input, session);
    matrices += analysis.matrices();
    memory = std::max(memory, analysis.required_bytes());
    seconds += analysis.most_operations() / (kGuess * session.run().threads);
  }
  print(fmt::format(
      "{} matrices by {}, lengths {}\n"
      "time    up to about {:.0f} s, guessed at {:.0f} GFLOP/s a thread; heads of a few hundred tokens take "
      "longer\n"
      "memory  {} of buffers beside the weights\n",
      matrices, kMatrixFree, fmt::join(lengths, ", "), seconds, kGuess * 1e-9, format_bytes(memory)));
  return 0;
}

}  // namespace

bool should_do_without_p(const SpectrumOptions& o, const SourceFacts& facts, int64_t required_bytes,
                         const Session& session) {
  const MemoryAccount& memory = session.memory();
  return o.analysis.method == "auto" && !o.made_for_p && facts.has_logits &&
         required_bytes > memory.limit_bytes() - memory.current_bytes();
}

int analyze_without_p(const SpectrumOptions& o, const ReportPlaces& places, Session& session) {
  if (o.common.dry_run) return dry_run(o, session);
  stop_on_signals();
  const PlacesLock lock(places);
  const bool resume = should_resume(places, o.resume);
  if (o.resume.resume && !resume) session.note(nothing_to_resume(places));
  if (!resume) discard({.journal = places.journal});
  const Findings found = analyze(o, places, resume, session);
  const Json report =
      spectrum_report(session.context(true),
                      {.input = found.input,
                       .identity = found.identity,
                       .method = found.method,
                       .curves_csv = places.curves.empty() ? std::nullopt : std::optional(places.curves),
                       .spectra = {}},
                      found.result);
  if (places.journal.empty()) end_on_signals();  // a pipe, perhaps without a reader
  write_files(found.result, report, places);
  if (found.result.complete) discard({.journal = places.journal});
  show(found, report, places, session);
  if (found.result.checks.passed) return 0;
  message("linformer: " + failed_checks(found.result.checks));
  return 1;
}

}  // namespace linformer::cli
