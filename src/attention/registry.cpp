// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "attention/flash.h"
#include "attention/mechanism.h"
#include "attention/standard.h"
#include "base/error.h"

namespace linformer {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Mechanism> (*make)();
};

constexpr Entry kMechanisms[] = {{"standard", make_standard}, {"flash", make_flash}};

}  // namespace

std::vector<std::string> mechanism_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kMechanisms) names.emplace_back(entry.name);
  return names;
}

std::unique_ptr<Mechanism> make_mechanism(std::string_view specification) {
  for (const Entry& entry : kMechanisms) {
    if (specification == entry.name) return entry.make();
  }
  throw Error(ErrorCode::kUsage, {.subject = "mechanism",
                                  .found = fmt::format("'{}'", specification),
                                  .expected = fmt::format("one of: {}", fmt::join(mechanism_names(), ", "))});
}

}  // namespace linformer
