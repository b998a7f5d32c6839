// SPDX-License-Identifier: MIT
// What follows the colon in the specification of a mechanism: "option=value,...".
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace linformer {

/// A value of an option and its name.
template <class Value>
using NameOf = std::pair<std::string_view, Value>;

/// Reads the options of one mechanism; what is wrong throws Error(kUsage) that names it.
class OptionText {
 public:
  explicit OptionText(std::string mechanism) : mechanism_(std::move(mechanism)) {}

  /// Calls `take` for each option in turn, which returns false where it knows no such key; `known` is what
  /// the message then expects. The keys that were given, views of `text`. Throws for one that is given twice
  /// too.
  using Take = std::function<bool(std::string_view key, std::string_view value)>;
  std::set<std::string_view> read(std::string_view text, std::string_view known, const Take& take) const;

  /// A whole number from 1 to 2^31.
  int64_t size(std::string_view key, std::string_view number) const;

  template <class Value>
  Value named(std::string_view key, std::string_view name, std::span<const NameOf<Value>> names) const {
    std::vector<std::string_view> known;
    for (const auto& [other, value] : names) {
      if (name == other) return value;
      known.push_back(other);
    }
    refuse_name(key, name, known);
  }

  [[noreturn]] void fail(std::string found, std::string expected) const;

 private:
  [[noreturn]] void refuse_name(std::string_view key, std::string_view name,
                                const std::vector<std::string_view>& known) const;

  std::string mechanism_;
};

}  // namespace linformer
