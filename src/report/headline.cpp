// SPDX-License-Identifier: MIT
#include "report/headline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "report/numbers.h"
#include "report/spectrum_view.h"

namespace linformer {
namespace {

std::string with_interval(const Summary& summary, const SpectrumResult& result) {
  if (!summary.interval) return fixed(summary.mean, 3);
  return fmt::format("{} ({} interval {}..{})", fixed(summary.mean, 3), confidence_text(result),
                     fixed(summary.interval->low, 3), fixed(summary.interval->high, 3));
}

// "3 of 4 layers are lower-rank, 1 is higher-rank"; kinds that do not occur are left out.
std::string verdict_counts(const std::vector<Verdict>& verdicts) {
  struct Kind {
    Verdict verdict;
    const char* one;
    const char* many;
  };
  static constexpr std::array kKinds = {
      Kind{Verdict::kLowerRank, "is lower-rank", "are lower-rank"},
      Kind{Verdict::kHigherRank, "is higher-rank", "are higher-rank"},
      Kind{Verdict::kSameRank, "cannot be told from it", "cannot be told from it"},
      Kind{Verdict::kTooFewUnits, "has too few sampling units", "have too few sampling units"}};
  std::string text;
  for (const Kind& kind : kKinds) {
    const auto count = std::ranges::count(verdicts, kind.verdict);
    if (count == 0) continue;
    if (!text.empty()) {
      text += fmt::format(", {}", count);
    } else {
      text = verdicts.size() == 1 ? "the layer" : fmt::format("{} of {} layers", count, verdicts.size());
    }
    text += fmt::format(" {}", count == 1 ? kind.one : kind.many);
  }
  return text;
}

std::string too_few(const SpectrumResult& result) {
  const int64_t missing = std::max<int64_t>(1, kLeastUnits - result.units);
  const char* noun = result.unit == "document" ? "document" : "sequence";
  return fmt::format("with only {} no interval and no verdict is possible: give at least {} more",
                     counted(result.sequences, "sequence"), counted(missing, noun));
}

// "0.0779 more than in X (difference +0.07..+0.08): 3 of 4 layers are lower-rank"
std::string against(const Comparison& comparison, const std::string& other) {
  const Summary& difference = comparison.model;
  std::string text = fmt::format("{} {} than {}", fixed(std::abs(difference.mean), 4),
                                 difference.mean < 0 ? "less" : "more", other);
  if (difference.interval) {
    text += fmt::format(" (difference {}..{})", signed_fixed(difference.interval->low, 4),
                        signed_fixed(difference.interval->high, 4));
  }
  return fmt::format("{}: {}", text, verdict_counts(comparison.verdicts));
}

bool has_verdict(const Comparison& comparison) {
  return std::ranges::any_of(comparison.verdicts,
                             [](Verdict verdict) { return verdict != Verdict::kTooFewUnits; });
}

std::string against_matched(const SpectrumResult& result, bool causal) {
  const Comparison* matched = find_comparison(result, "matched");
  if (matched == nullptr) {
    return "without the matched control this does not say whether attention is lower-rank than its row "
           "entropy "
           "alone makes it (--control matched)";
  }
  if (!has_verdict(*matched)) return too_few(result);
  return fmt::format("that is {}",
                     against(*matched, causal ? "in causal Gaussian attention of the same row entropy"
                                              : "in Gaussian attention of the same row entropy"));
}

// A sentence for each control beside `matched`.
std::string against_others(const SpectrumResult& result) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kOthers = {
      {{"init", "in the same architecture with random weights"},
       {"permuted", "with the entries of each row in random order"},
       {"causal-uniform", "in attention that is uniform over the past"}}};
  std::string text;
  for (const auto& [control, other] : kOthers) {
    const Comparison* comparison = find_comparison(result, control);
    if (comparison == nullptr || !has_verdict(*comparison)) continue;
    text += fmt::format(" It is {}.", against(*comparison, std::string(other)));
  }
  return text;
}

}  // namespace

std::string confidence_text(const SpectrumResult& result) {
  return fmt::format("{:.4g} %", 100 * result.confidence);
}

std::string first_values(const SpectrumResult& result) {
  if (result.equal_length) return fmt::format("the first {} of {} singular values", result.at, result.length);
  return fmt::format("the first {:.3g} % of the singular values", 100 * result.at_share);
}

std::string headline(const SpectrumResult& result, bool causal) {
  const SeriesResult* probabilities = find_series(result, "probabilities");
  const auto at = find_statistic(result, "cumulative_at");
  if (probabilities == nullptr || !at || result.sequences == 0) return "No sequence was analysed.";
  std::string first = first_values(result);
  first[0] = 'T';
  std::string text = fmt::format("{} hold {} of Σσ on average over {}, {} and {}; {}.", first,
                                 with_interval(probabilities->model.statistics.at(*at), result),
                                 counted(static_cast<int64_t>(result.layers.size()), "layer"),
                                 counted(static_cast<int64_t>(result.heads.size()), "head") + " a layer",
                                 counted(result.sequences, "sequence"), against_matched(result, causal));
  text += against_others(result);
  if (causal) {
    text +=
        " The heads are causal: no Linformer k is recommended for them, because E and F mix future "
        "positions.";
  }
  if (!result.complete)
    text += fmt::format(" Incomplete: {} of {} sequences.", result.sequences, result.planned_sequences);
  return text;
}

}  // namespace linformer
