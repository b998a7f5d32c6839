// SPDX-License-Identifier: MIT
#include "spectrum_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/parse.h"

namespace linformer::cli {
namespace {

constexpr const char* kGroup = "Analysis";
constexpr const char* kFreeGroup = "Without P (--method matrix-free)";

// What needs P, and what is of --method matrix-free alone.
constexpr const char* kOfP[] = {"--at",         "--control", "--init-seeds",    "--head-size",
                                "--no-centred", "--logits",  "--verify",        "--until-width",
                                "--batch",      "--spectra", "--probabilities", kMapsOption};
constexpr const char* kMatrixFreeAlone[] = {"--values", "--tolerance", "--basis", "--probes", "--lengths"};

// The first of these options that was given, or null.
template <class Names>
const char* first_given(const CLI::App& app, const Names& names) {
  const auto given = std::ranges::find_if(names, [&](const char* name) { return app.count(name) > 0; });
  return given == std::end(names) ? nullptr : *given;
}

AtPoint parse_at(const std::string& text) {
  if (text.ends_with('%')) return {.share = parse_share(text, "--at")};
  int64_t m = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), m);
  if (error == std::errc() && end == text.data() + text.size() && m > 0) return {.m = m};
  throw Error(ErrorCode::kUsage, {.subject = "--at",
                                  .found = fmt::format("'{}'", text),
                                  .expected = "an index such as 128 or a share such as 25%"});
}

void add_analysis(CLI::App& app, SpectrumOptions& o) {
  app.add_option("--at", o.at,
                 "indices m (128) or shares of n (25%) at which cumulative values are reported; the first "
                 "is compared with the controls (default: n/4)")
      ->group(kGroup);
  app.add_option("--control", o.controls, "any of " + control_help() + ", or none (default: matched)")
      ->check(each_of(control_names()))
      ->group(kGroup);
  app.add_option("--init-seeds", o.init_seeds, "untrained models of the control init (default: 3)")
      ->check(CLI::Range(1, 100))
      ->group(kGroup);
  app.add_option("--head-size", o.analysis.head_size,
                 "rank of the matched control's logits where the input does not tell (default: 64)")
      ->transform(whole_number<int64_t>(1))
      ->group(kGroup);
  app.add_flag("--no-centred", o.no_centred, "leave out the spectrum of P - 1 p'")->group(kGroup);
  app.add_flag("--logits", o.analysis.logits, "the spectrum of the logits too")->group(kGroup);
  app.add_option(
         "--method", o.analysis.method,
         "fast (our own kernels, f32), gram (f64 Gram matrix), gesdd (LAPACK, f32), matrix-free (leading "
         "values with intervals, without P) or auto (the default): fast, or matrix-free where P does not fit "
         "into --memory or an option is given that is matrix-free's alone")
      ->check(one_of(std::vector<std::string>{"auto", "fast", "gesdd", "gram", "matrix-free"}))
      ->group(kGroup);
  app.add_option("--verify", o.analysis.verify,
                 "share of the matrices computed again in f64 (default: 0.002)")
      ->check(share_number())
      ->group(kGroup);
  app.add_option("--until-width", o.analysis.until_width,
                 "stop once every layer's interval of the cumulative value is narrower than this")
      ->check(positive_number())
      ->group(kGroup);
  app.add_option("--batch", o.analysis.batch, "sequences at a time (default: about 2048 tokens)")
      ->check(CLI::Range(1, 65536))
      ->group(kGroup);
  app.add_option("--spectra", o.spectra, "write every singular value to this safetensors file")
      ->group(kGroup);
  app.add_option(
         kMapsOption, o.attention_maps,
         "put a map of every head's P on this sequence (0: the first) into the report, means of 64 x 64 "
         "blocks, for its page")
      ->type_name("SEQUENCE")
      ->transform(whole_number<int64_t>(0))
      ->group(kGroup);
}

void add_matrix_free(CLI::App& app, SpectrumOptions& o) {
  app.add_option("--values", o.certified.values, "leading singular values of each head (default: 128)")
      ->transform(whole_number<int64_t>(1))
      ->check(CLI::Range(1, 4096))
      ->group(kFreeGroup);
  app.add_option(
         "--tolerance", o.certified.tolerance,
         "iterate until the interval of their share of the energy is narrower than this, or --basis is "
         "spent (default: 0.001)")
      ->check(positive_number())
      ->group(kFreeGroup);
  app.add_option(
         "--basis", o.certified.basis,
         "vectors to spend on it at most, not fewer than --values, rounded up to whole blocks: the more, the "
         "more of the last values converge; memory and time grow with them (default: some 200 more than "
         "--values)")
      ->transform(whole_number<int64_t>(1))
      ->check(CLI::Range(1, 16384))
      ->group(kFreeGroup);
  app.add_option("--probes", o.certified.probes,
                 "random vectors for the sum of all singular values; 0: leave it out, and bound what the "
                 "basis leaves of P only as closely as --tolerance asks (default: 16)")
      ->transform(whole_number<int64_t>(0))
      ->check(CLI::Range(0, 256))
      ->group(kFreeGroup);
  app.add_option("--lengths", o.lengths, "spectra of several lengths in one run, e.g. 128..4096*2")
      ->group(kFreeGroup)
      ->excludes("--length")
      ->excludes("--ids")
      ->excludes("--inputs")
      ->excludes("--qk");
}

}  // namespace

AnalysisOptions analysis_options(const SpectrumOptions& o) {
  AnalysisOptions options = o.analysis;
  for (const std::string& at : split_at_commas(o.at)) options.at.push_back(parse_at(at));
  options.controls = split_at_commas(o.controls);
  if (std::erase(options.controls, "none") > 0 && !options.controls.empty()) {
    throw Error(
        ErrorCode::kUsage,
        {.subject = "--control", .found = "none beside others", .expected = "none alone, or controls"});
  }
  options.centred = !o.no_centred;
  options.layers = o.selection.layer_list();
  options.heads = o.selection.head_list();
  options.seed = o.common.seed;
  if (options.method == "auto") options.method = kDefaultMethod;
  return options;
}

void add_spectrum_options(CLI::App& app, SpectrumOptions& o) {
  app.description(
      "Singular values of every head's attention probabilities: is attention in this model low rank, where, "
      "how much, and against what?");
  app.footer(
      "Examples:\n"
      "  linformer analyze-spectrum\n"
      "  linformer analyze-spectrum --checkpoint my-bert/ --text book.txt --sequences 100 --out "
      "spectrum.json\n");
  add_input_options(
      app, o.input,
      {.text = true, .inputs = true, .tensors = true, .drop = true, .stack = true, .model = true});
  add_selection(app, o.selection);
  add_analysis(app, o);
  add_resume_options(app, kGroup, o.resume);
  add_matrix_free(app, o);
  add_common_options(app, o.common,
                     {.seed = true, .out = true, .format = true, .progress = true, .dry_run = true});
}

void settle_options(const CLI::App& app, SpectrumOptions& o) {
  check_output_options(o.common, o.resume);
  const char* const free = first_given(app, kMatrixFreeAlone);
  const char* const of_p = first_given(app, kOfP);
  o.made_for_p = of_p != nullptr;
  if (o.analysis.method == "auto" && free != nullptr) o.analysis.method = kMatrixFree;
  if (o.analysis.method != kMatrixFree && free != nullptr) {
    throw Error(ErrorCode::kUsage, {.subject = free,
                                    .found = fmt::format("given with --method {}", o.analysis.method),
                                    .expected = "--method matrix-free",
                                    .remedy = "Leave one of them out"});
  }
  if (o.analysis.method == kMatrixFree && of_p != nullptr) {
    throw Error(ErrorCode::kUsage, {.subject = of_p,
                                    .found = "given with --method matrix-free",
                                    .expected = "a method that makes P, which this option is about",
                                    .remedy = "Leave one of them out"});
  }
  if (o.certified.basis > 0 && o.certified.basis < o.certified.values) {
    throw Error(ErrorCode::kUsage,
                {.subject = "--basis",
                 .found = fmt::format("{}", o.certified.basis),
                 .expected = fmt::format("at least {}, as many as --values", o.certified.values)});
  }
}

}  // namespace linformer::cli
