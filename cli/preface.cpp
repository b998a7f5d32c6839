// SPDX-License-Identifier: MIT
#include "preface.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "report/numbers.h"
#include "spectrum/controls.h"

namespace linformer::cli {
namespace {

std::string model_text(const OpenInput& input) {
  const SourceFacts& facts = input.source->facts();
  const std::string layers =
      fmt::format("{} x {}", counted(facts.layers, "layer"), counted(facts.heads, "head"));
  if (!input.plan) {
    const bool qk = input.facts.contains("qk");
    return fmt::format("{} of {}: {}{}", qk ? "queries and keys" : "probabilities", layers,
                       input.facts.at(qk ? "qk" : "probabilities").get<std::string>(),
                       facts.causal ? "; causal" : "");
  }
  const Architecture& a = input.plan->architecture;
  return fmt::format("{}, {}{}, d = {}{}: {}", a.family,
                     input.one_of_several ? fmt::format("stack {}, ", name_of(a.stack())) : "", layers,
                     a.head_size, facts.causal ? ", causal" : "", input.name);
}

std::string text_name(const nlohmann::ordered_json& facts) {
  if (facts.contains("ids")) return facts.at("ids").get<std::string>();
  return fmt::format("{}", fmt::join(facts.at("text").get<std::vector<std::string>>(), ", "));
}

// Of a Linformer, whose P has fewer columns than rows.
std::string slots_text(const OpenInput& input) {
  const std::vector<MapSize>& sizes = input.source->facts().sizes;
  const bool equal = std::ranges::all_of(sizes, [&](const MapSize& s) { return s.rows == sizes[0].rows; });
  const auto [least, most] = std::ranges::minmax_element(input.plan->architecture.projection->k);
  return (equal ? fmt::format(" of {}", counted(sizes[0].rows, "token")) : std::string()) +
         (*least == *most ? fmt::format(" over {}", counted(*most, "slot"))
                          : fmt::format(" over {} to {} slots", *least, *most));
}

std::string sequences_text(const OpenInput& input, const SampleFacts& sample) {
  std::string text = counted(sample.sequences, input.images ? "image" : "sequence");
  const bool slots = input.plan && input.plan->architecture.projection;
  if (slots) {
    text += slots_text(input);
  } else if (sample.length > 0) {
    text += fmt::format(" of {}", counted(sample.length, "token"));
  }
  if (!input.plan) return text;
  if (input.images) return fmt::format("{}: {}", text, input.images->file());
  const PackedText& packed = input.packed;
  text += fmt::format(", {}: {}", counted(std::ssize(packed.documents), "document"), text_name(input.facts));
  if (packed.dropped_tokens > 0 || packed.short_documents > 0) {
    text += fmt::format(" (left out: {}", counted(packed.dropped_tokens, "token"));
    if (packed.short_documents > 0) {
      text += fmt::format("; {} too short", counted(packed.short_documents, "document"));
    }
    text += ")";
  }
  return text;
}

std::string units_text(const OpenInput& input, const SampleFacts& sample) {
  if (sample.units < kLeastUnits) {
    return fmt::format("none: {} of {} that an interval takes", sample.units, kLeastUnits);
  }
  const char* document = input.images ? "image" : "document";
  const std::string units = counted(sample.units, sample.unit == "document" ? document : "block");
  if (sample.unit == "document") return fmt::format("over {}", units);
  return fmt::format("over {} of sequences, because there are fewer than {} documents", units, kLeastUnits);
}

SampleFacts sample_of(const SpectrumResult& result) {
  return {.sequences = result.sequences,
          .length = result.equal_length ? result.length : 0,
          .units = result.units,
          .unit = result.unit};
}

}  // namespace

SampleFacts sample_of(const AccuracyResult& result) {
  return {.sequences = result.sequences, .length = result.length, .units = result.units, .unit = result.unit};
}

std::string preface(const OpenInput& input, const SampleFacts& sample) {
  return fmt::format("model      {}\nsequences  {}\nintervals  {}\n", model_text(input),
                     sequences_text(input, sample), units_text(input, sample));
}

std::string preface(const OpenInput& input, const SpectrumResult& result, int64_t head_size) {
  std::string text = preface(input, sample_of(result));
  const bool matched =
      std::any_of(result.comparisons.begin(), result.comparisons.end(),
                  [](const Comparison& comparison) { return comparison.control == kMatchedControl; });
  if (matched && input.source->facts().head_size == 0) {
    text +=
        fmt::format("matched    logits of rank {}, which the file does not tell: --head-size\n", head_size);
  }
  return text + "\n";
}

std::string certified_preface(const OpenInput& input, const SpectrumResult& result) {
  return fmt::format(
      "model      {}\nsequences  {}\nintervals  for each head by itself, {:.4g} % where not sure\n\n",
      model_text(input), sequences_text(input, sample_of(result)), 100 * result.confidence);
}

}  // namespace linformer::cli
