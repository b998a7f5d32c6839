// SPDX-License-Identifier: MIT
// The paper's claims of how time grows with n: Figure 2 and Table 1.
#include <fmt/format.h>

#include "report/against_paper.h"
#include "report/bench_view.h"
#include "report/numbers.h"
#include "report/paper.h"

namespace linformer {
namespace {

bool is_linformer(const std::string& mechanism) { return mechanism.starts_with("linformer"); }

std::string machine_sentence(const BenchResult& result) {
  return fmt::format(
      "{} in f32 on this CPU; the paper ran a Tesla V100 and does not say the model's size, its "
      "precision or how often it was timed.",
      result.subject);
}

std::string slope_words(const LocalSlope& slope) {
  const std::string range =
      slope.interval ? fmt::format(" ({}..{})", fixed(slope.interval->low, 2), fixed(slope.interval->high, 2))
                     : "";
  return fixed(slope.slope, 2) + range;
}

ReproducedRow slope_row(const std::string& what, const LocalSlope& slope, std::optional<double> published,
                        const std::string& words, const std::string& why) {
  ReproducedRow row{
      .what = what, .published = published, .published_words = words, .here = slope.slope, .why = why};
  row.interval = slope.interval;
  return row;
}

std::vector<std::string> names_in(const BenchResult& result) {
  std::vector<std::string> mechanisms;
  for (const Growth& growth : result.growth) mechanisms.push_back(growth.cell.mechanism);
  return short_names(mechanisms);
}

}  // namespace

Reproduction figure2_reproduction(const BenchResult& result) {
  Reproduction reproduction{.target = "figure2",
                            .title = "Figure 2: time against length at a fixed number of tokens",
                            .claim =
                                "As n grows and the batch shrinks so that the number of tokens stays, the "
                                "Transformer's time rises and "
                                "the Linformer's stays flat."};
  const std::vector<std::string> names = names_in(result);
  for (size_t i = 0; i < result.growth.size(); ++i) {
    const Growth& growth = result.growth[i];
    const bool linear = is_linformer(growth.cell.mechanism);
    const std::string range = fmt::format("n = {} to {}", growth.fitted.from, growth.fitted.to);
    reproduction.rows.push_back(slope_row(
        fmt::format("{}: power of n in the time, {}", names[i], range), growth.fitted,
        linear ? std::optional(0.0) : std::nullopt, linear ? "" : "rises, no numbers",
        "0 is flat; products whose time does not depend on n hold the power down where n is short"));
    if (!growth.slopes.empty()) {
      reproduction.rows.push_back(
          slope_row(fmt::format("{}: at the longest step, from {}", names[i], growth.slopes.back().from),
                    growth.slopes.back(), linear ? std::optional(0.0) : std::nullopt,
                    linear ? "" : "rises, no numbers", ""));
    }
    reproduction.findings.push_back(
        fmt::format("{}: time goes as n to the {} over {}.", names[i], slope_words(growth.fitted), range));
  }
  reproduction.trust = {
      machine_sentence(result),
      "Longer lengths than the budget allowed are left out; the figure says which were measured."};
  return reproduction;
}

Reproduction table1_reproduction(const BenchResult& result) {
  Reproduction reproduction{.target = "table1",
                            .title = "Table 1: complexity of a layer",
                            .claim = "A layer takes time O(n²) in a Transformer and O(n) in a Linformer."};
  const std::vector<PublishedComplexity> published = published_table1();
  const std::vector<std::string> names = names_in(result);
  for (const PublishedComplexity& claim : published) {
    const bool linear = claim.architecture.starts_with("Linformer");
    if (!linear && !claim.architecture.starts_with("Transformer")) {
      reproduction.rows.push_back({.what = claim.architecture + ": power of n in the time of a layer",
                                   .published = claim.exponent,
                                   .published_words = claim.per_layer,
                                   .missing = "not measured: published only",
                                   .why = "not among the mechanisms here"});
      continue;
    }
    for (size_t i = 0; i < result.growth.size(); ++i) {
      const Growth& growth = result.growth[i];
      if (is_linformer(growth.cell.mechanism) != linear || growth.slopes.empty()) continue;
      const LocalSlope& last = growth.slopes.back();
      reproduction.rows.push_back(slope_row(
          fmt::format("{}: power of n, over {} to {}", names[i], growth.fitted.from, growth.fitted.to),
          growth.fitted, claim.exponent, claim.per_layer,
          "the layer's other products are linear in n, and outweigh attention where n is short"));
      reproduction.rows.push_back(slope_row(fmt::format("{}: from {} to {}", names[i], last.from, last.to),
                                            last, claim.exponent, claim.per_layer, ""));
      reproduction.findings.push_back(fmt::format("{}: power {} at the longest step, {} claimed.", names[i],
                                                  slope_words(last), claim.per_layer));
    }
  }
  reproduction.trust = {machine_sentence(result),
                        "A claim for n without bound is tested over the lengths given."};
  return reproduction;
}

Reproduction table2_reproduction() {
  Reproduction reproduction{
      .target = "table2",
      .title = "Table 2: accuracy after fine-tuning",
      .claim =
          "A pretrained Linformer is as accurate as RoBERTa after fine-tuning, and better with larger k.",
      .findings = {"Not tested here: it takes pretraining on 3300 million words and fine-tuning on four "
                   "tasks, and the "
                   "paper's weights were never released."},
      .trust = {"The published numbers are single runs without variance; differences of a few tenths say "
                "nothing."}};
  for (const PublishedAccuracy& row : published_table2()) {
    reproduction.rows.push_back(
        {.what = fmt::format("{}, n = {}: average of four tasks, %", row.model, row.length),
         .published = row.average,
         .missing = "published only",
         .why = "out of reach without training"});
  }
  return reproduction;
}

}  // namespace linformer
