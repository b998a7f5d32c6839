// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "attention/flash.h"
#include "attention/linformer.h"
#include "attention/mechanism.h"
#include "attention/nystrom.h"
#include "attention/standard.h"
#include "base/error.h"

namespace linformer {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Mechanism> (*make)();                                 ///< of one without options, else null
  std::unique_ptr<Mechanism> (*make_with)(std::string_view) = nullptr;  ///< takes what follows "name:"
  std::string_view rank = {};                                           ///< as rank_option() gives it
};

constexpr Entry kMechanisms[] = {{"standard", make_standard},
                                 {"flash", make_flash},
                                 {"linformer", nullptr, make_linformer, "k"},
                                 {"nystrom", nullptr, make_nystrom, "landmarks"}};

}  // namespace

std::vector<std::string> mechanism_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kMechanisms) names.emplace_back(entry.name);
  return names;
}

std::string_view rank_option(std::string_view name) {
  const auto found = std::ranges::find(kMechanisms, name, &Entry::name);
  return found == std::end(kMechanisms) ? std::string_view() : found->rank;
}

std::string with_rank(std::string_view specification, int64_t k) {
  const size_t colon = std::min(specification.find(':'), specification.size());
  const char* const separator = colon == specification.size() ? ":" : ",";
  return fmt::format("{}{}{}={}", specification, separator, rank_option(specification.substr(0, colon)), k);
}

std::string without_rank(std::string_view specification) {
  const size_t colon = std::min(specification.find(':'), specification.size());
  const std::string_view name = specification.substr(0, colon), known = rank_option(name);
  const std::string rank = fmt::format("{}=", known.empty() ? "k" : known);
  std::string kept(name);
  for (size_t at = colon; at < specification.size();) {
    const size_t end = std::min(specification.find(',', at + 1), specification.size());
    const std::string_view option = specification.substr(at + 1, end - at - 1);
    if (!option.starts_with(rank)) kept += fmt::format("{}{}", kept == name ? ':' : ',', option);
    at = end;
  }
  return kept;
}

std::unique_ptr<Mechanism> make_mechanism(std::string_view specification) {
  const size_t colon = std::min(specification.find(':'), specification.size());
  const std::string_view name = specification.substr(0, colon);
  for (const Entry& entry : kMechanisms) {
    if (name != entry.name) continue;
    if (entry.make_with != nullptr) {
      return entry.make_with(specification.substr(std::min(colon + 1, specification.size())));
    }
    if (colon == specification.size()) return entry.make();
  }
  throw Error(ErrorCode::kUsage, {.subject = "mechanism",
                                  .found = fmt::format("'{}'", specification),
                                  .expected = fmt::format("one of: {}", fmt::join(mechanism_names(), ", "))});
}

}  // namespace linformer
