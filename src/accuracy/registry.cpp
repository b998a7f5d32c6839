// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "accuracy/replacements.h"
#include "base/error.h"
#include "base/parse.h"

namespace linformer {
namespace {

[[noreturn]] void fail(std::string found, std::string expected) {
  throw Error(ErrorCode::kUsage,
              {.subject = "--mechanisms", .found = std::move(found), .expected = std::move(expected)});
}

// "name:key=value,..." with its k, whatever it is called, taken out.
struct Specification {
  std::string name;
  std::string rank = "k";
  std::vector<std::pair<std::string, std::string>> options;
  std::optional<int64_t> k;

  explicit Specification(std::string_view text) {
    const size_t colon = std::min(text.find(':'), text.size());
    name = text.substr(0, colon);
    text.remove_prefix(std::min(colon + 1, text.size()));
    if (!rank_option(name).empty()) rank = rank_option(name);
    while (!text.empty()) {
      const std::string_view option = text.substr(0, text.find(','));
      const size_t equals = option.find('=');
      if (equals == std::string_view::npos) fail(fmt::format("'{}'", option), "option=value");
      const std::string key(option.substr(0, equals)), value(option.substr(equals + 1));
      if (key == rank) {
        if (k) fail(fmt::format("'{}'", text), fmt::format("{} once", rank));
        const std::vector<int64_t> one = parse_list(value, "--mechanisms");
        if (one.size() != 1) fail(fmt::format("'{}'", option), fmt::format("one {}, or none and --k", rank));
        k = one.front();
      } else {
        options.emplace_back(key, value);
      }
      text.remove_prefix(std::min(option.size() + 1, text.size()));
    }
  }

  // Without k.
  std::string text() const {
    std::string all = name;
    for (const auto& [key, value] : options)
      all += fmt::format("{}{}={}", all == name ? ":" : ",", key, value);
    return all;
  }
};

struct Entry {
  std::string_view name;
  std::vector<HeadSharing> sharings;  ///< that it can have, the usual one first
  std::unique_ptr<Replacement> (*make)(std::vector<int64_t> ks, HeadSharing sharing,
                                       const ReplacementSizes& sizes, Run& run);
  bool ranked = true;
  bool any_bias = true;  ///< works from P alone
};

using Ks = std::vector<int64_t>;
using Sizes = ReplacementSizes;

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {"svd", {}, [](Ks ks, HeadSharing, const Sizes&, Run&) { return make_svd(std::move(ks)); }},
      {"pv-svd", {}, [](Ks ks, HeadSharing, const Sizes&, Run&) { return make_pv_svd(std::move(ks)); }},
      {"subspace", {HeadSharing::kHead, HeadSharing::kLayer, HeadSharing::kModel}, make_subspace},
      {"fitted", {HeadSharing::kHead, HeadSharing::kLayer}, make_fitted, true, false},
      {"mean-v", {}, [](Ks, HeadSharing, const Sizes&, Run&) { return make_mean_v(); }, false},
      {"local", {}, [](Ks ks, HeadSharing, const Sizes&, Run&) { return make_local(std::move(ks)); }}};
  return all;
}

const Entry* find_entry(std::string_view name) {
  const auto found = std::ranges::find(entries(), name, &Entry::name);
  return found == entries().end() ? nullptr : &*found;
}

HeadSharing sharing_of(const Specification& s, const Entry& entry) {
  HeadSharing chosen = entry.sharings.empty() ? HeadSharing::kHead : entry.sharings.front();
  for (const auto& [key, value] : s.options) {
    const auto named = std::ranges::find(entry.sharings, std::string_view(value),
                                         [](HeadSharing sharing) { return name_of(sharing); });
    if (key == "sharing" && named != entry.sharings.end()) {
      chosen = *named;
      continue;
    }
    std::vector<std::string_view> names;
    for (const HeadSharing sharing : entry.sharings) names.push_back(name_of(sharing));
    fail(fmt::format("'{}={}' of {}", key, value, s.name),
         names.empty() ? "k=NUMBER or nothing" : fmt::format("sharing=one of: {}", fmt::join(names, ", ")));
  }
  return chosen;
}

// Which k it is made for, each once.
Ks ranks_of(const Specification& s, Ks ks, int64_t n) {
  if (s.k) ks = {*s.k};
  std::ranges::sort(ks);
  ks.erase(std::unique(ks.begin(), ks.end()), ks.end());
  if (!ks.empty() && ks.front() >= 1 && ks.back() <= n) return ks;
  fail(ks.empty() ? s.name
                  : fmt::format("{}={} of {}", s.rank, ks.front() < 1 ? ks.front() : ks.back(), s.name),
       fmt::format("1 to n={}", n));
}

void require_without_bias(const Specification& s, const Sizes& sizes) {
  if (sizes.distance_bias) fail(s.name, "what works from P: this model's logits have a bias by distance");
}

}  // namespace

std::string_view name_of(ReplacementKind kind) {
  switch (kind) {
    case ReplacementKind::kExact:
      return "exact";
    case ReplacementKind::kOptimum:
      return "optimum";
    case ReplacementKind::kApproximates:
      return "approximates";
    case ReplacementKind::kUntrained:
      break;
  }
  return "untrained";
}

std::vector<std::string> replacement_names() {
  std::vector<std::string> names = mechanism_names();
  for (const Entry& entry : entries()) names.emplace_back(entry.name);
  return names;
}

std::unique_ptr<Replacement> make_replacement(std::string_view specification, const std::vector<int64_t>& ks,
                                              const ReplacementSizes& sizes, Run& run) {
  const Specification s(specification);
  if (const Entry* const entry = find_entry(s.name)) {
    const HeadSharing sharing = sharing_of(s, *entry);
    if (!entry->any_bias) require_without_bias(s, sizes);
    if (!entry->ranked && s.k) fail(fmt::format("a k of {}", s.name), "none");
    return entry->make(entry->ranked ? ranks_of(s, ks, sizes.length) : Ks{0}, sharing, sizes, run);
  }
  const std::vector<std::string> mechanisms = mechanism_names();
  if (std::ranges::find(mechanisms, s.name) == mechanisms.end()) {
    fail(fmt::format("'{}'", s.name), fmt::format("one of: {}", fmt::join(replacement_names(), ", ")));
  }
  require_without_bias(s, sizes);
  const bool ranked = !rank_option(s.name).empty();
  if (!ranked && s.k) fail(fmt::format("a k of {}", s.name), "none");
  return make_by_mechanism(s.text(), ranked ? ranks_of(s, ks, sizes.length) : Ks{0}, sizes, run);
}

}  // namespace linformer
