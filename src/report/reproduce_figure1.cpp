// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "report/against_paper.h"
#include "report/headline.h"
#include "report/numbers.h"
#include "report/spectrum_view.h"

namespace linformer {
namespace {

constexpr const char* kCurvesOnly = "curves only, no numbers";
constexpr const char* kNotAsked = "not asked in the paper";

ReproducedRow row_of(const std::string& what, const Summary& summary, const std::string& published,
                     const std::string& why) {
  ReproducedRow row{.what = what, .published_words = published, .here = summary.mean, .why = why};
  row.interval = summary.interval;
  return row;
}

const LayerSlope* find_slope(const SpectrumResult& result, std::string_view of) {
  const auto found = std::ranges::find(result.layer_slopes, of, &LayerSlope::of);
  return found == result.layer_slopes.end() ? nullptr : &*found;
}

// "rises (+0.012 a layer, 95 % interval ...)": what an interval says of the sign.
std::string direction(const Summary& slope, const SpectrumResult& result) {
  if (!slope.interval)
    return fmt::format("cannot be told from so few units ({} a layer)", signed_fixed(slope.mean, 4));
  const char* const word = slope.interval->low > 0    ? "rises"
                           : slope.interval->high < 0 ? "falls"
                                                      : "neither surely rises nor falls";
  return fmt::format("{} with depth ({} a layer, {} interval {}..{})", word, signed_fixed(slope.mean, 4),
                     confidence_text(result), signed_fixed(slope.interval->low, 4),
                     signed_fixed(slope.interval->high, 4));
}

void add_slopes(Reproduction& reproduction, const SpectrumResult& result) {
  const LayerSlope *const plain = find_slope(result, "probabilities"), *const beyond = find_slope(
                                                                           result, "probabilities - matched");
  if (plain == nullptr) return;
  reproduction.rows.push_back(
      row_of("change of c_M from layer to layer", plain->slope, "above 0: \"higher layers\"",
             "plain; heads with wider attention have larger c_M whatever they learned"));
  std::string finding =
      fmt::format("\"Higher layers are more skewed\": c_M {}", direction(plain->slope, result));
  if (beyond != nullptr) {
    reproduction.rows.push_back(row_of("the same, of what is beyond the control", beyond->slope, kNotAsked,
                                       "the control has the row entropy of each head"));
    finding += fmt::format("; what is beyond the matched control {}", direction(beyond->slope, result));
  }
  reproduction.findings.push_back(finding + ".");
}

}  // namespace

Reproduction figure1_reproduction(const SpectrumFile& spectrum) {
  const SpectrumResult& result = spectrum.result;
  Reproduction reproduction{
      .target = "figure1",
      .title = "Figure 1: the spectrum of attention",
      .claim =
          "The spectrum of the attention matrix has a long tail in every layer and head: most of it is in a "
          "few "
          "singular values; and higher layers are more skewed than lower ones (RoBERTa-base and -large, n = "
          "512, 10,000 sentences of WikiText-103 and IMDB)."};
  const auto at = find_statistic(result, "cumulative_at");
  if (!at || result.series.empty() || result.sequences == 0) return reproduction;
  const std::string first = first_values(result);
  reproduction.rows.push_back(row_of(fmt::format("c_M: share of Σσ in {}", first),
                                     result.series.front().model.statistics[*at], kCurvesOnly,
                                     "the paper gives no numbers, and another model and text were run"));
  if (const Comparison* const matched = find_comparison(result, "matched")) {
    reproduction.rows.push_back(
        row_of("c_M beyond the matched control", matched->model, kNotAsked, "the paper has no control"));
    for (size_t i = 0; i < matched->layers.size(); ++i) {
      reproduction.rows.push_back(
          row_of(fmt::format("the same, layer {}", result.layers[i]), matched->layers[i], kNotAsked, ""));
    }
  }
  reproduction.findings.push_back("\"A few values hold most of it\": " + headline(result, result.causal));
  add_slopes(reproduction, result);
  reproduction.trust = {
      model_headline(spectrum) + ".",
      fmt::format(
          "Intervals are over {} sampling units (each a {}); each singular value was checked against ‖P‖ "
          "and a share of the matrices "
          "again in f64 ({}).",
          result.units, result.unit, result.checks.passed ? "passed" : "failed"),
      "Which formula the paper drew is not said; this is the plain reading, sums of "
      "singular values, no squares."};
  return reproduction;
}

}  // namespace linformer
