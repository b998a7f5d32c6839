// SPDX-License-Identifier: MIT
#include "attention/option_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace linformer {

std::set<std::string_view> OptionText::read(std::string_view text, std::string_view known,
                                            const Take& take) const {
  std::set<std::string_view> keys;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view option = text.substr(0, comma);
    const size_t equals = std::min(option.find('='), option.size());
    const std::string_view key = option.substr(0, equals);
    if (!take(key, option.substr(std::min(equals + 1, option.size()))))
      fail(fmt::format("'{}'", option), std::string(known));
    if (!keys.insert(key).second) fail(fmt::format("'{}' twice", key), "each option once");
    if (comma + 1 == text.size()) fail("a comma at the end", "an option after it");
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return keys;
}

int64_t OptionText::size(std::string_view key, std::string_view number) const {
  int64_t size = 0;
  const char* const end = number.data() + number.size();
  const auto [last, error] = std::from_chars(number.data(), end, size);
  if (error == std::errc() && last == end && size >= 1 && size <= (int64_t{1} << 31)) return size;
  fail(fmt::format("'{}={}'", key, number), fmt::format("{} = 1 to 2^31", key));
}

void OptionText::fail(std::string found, std::string expected) const {
  throw Error(
      ErrorCode::kUsage,
      {.subject = "mechanism " + mechanism_, .found = std::move(found), .expected = std::move(expected)});
}

void OptionText::refuse_name(std::string_view key, std::string_view name,
                             const std::vector<std::string_view>& known) const {
  fail(fmt::format("'{}={}'", key, name), fmt::format("{}=one of: {}", key, fmt::join(known, ", ")));
}

}  // namespace linformer
