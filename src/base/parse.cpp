// SPDX-License-Identifier: MIT
#include "base/parse.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace linformer {
namespace {

constexpr size_t kMostValues = 1'000'000;

[[noreturn]] void fail(const std::string& option, std::string_view found, const char* expected) {
  throw Error(ErrorCode::kUsage,
              {.subject = option, .found = fmt::format("'{}'", found), .expected = expected});
}

// `whole`: what the number is a part of, for the message.
template <class T>
T number(std::string_view text, const std::string& option, const char* expected, std::string_view whole) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) fail(option, whole, expected);
  return value;
}

constexpr const char* kListForm = "numbers and ranges such as 1,4 or 0..5 or 512..8192*2 or 0..100+25";

// Splits at the first of `separator`; the second part is empty where there is none.
std::pair<std::string_view, std::string_view> split(std::string_view text, std::string_view separator) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + separator.size())};
}

void append_range(std::string_view text, const std::string& option, std::vector<int64_t>& values) {
  const bool dots = text.find("..") != std::string_view::npos;
  auto [first_text, rest] = split(text, dots ? ".." : "-");
  const int64_t first = number<int64_t>(first_text, option, kListForm, text);
  if (rest.empty()) {
    if (first_text.size() != text.size()) fail(option, text, kListForm);
    values.push_back(first);
    return;
  }
  const size_t step_at = rest.find_first_of("+*");
  const int64_t last = number<int64_t>(rest.substr(0, step_at), option, kListForm, text);
  const bool multiply = step_at != std::string_view::npos && rest[step_at] == '*';
  const int64_t step = step_at == std::string_view::npos
                           ? 1
                           : number<int64_t>(rest.substr(step_at + 1), option, kListForm, text);
  if (last < first || step < (multiply ? 2 : 1) || (multiply && first < 1)) fail(option, text, kListForm);
  int64_t value = first;
  while (value <= last) {
    values.push_back(value);
    if (values.size() > kMostValues) fail(option, text, "at most a million values");
    const bool overflow =
        multiply ? __builtin_mul_overflow(value, step, &value) : __builtin_add_overflow(value, step, &value);
    if (overflow) break;
  }
}

}  // namespace

std::vector<int64_t> parse_list(std::string_view text, const std::string& option) {
  std::vector<int64_t> values;
  while (true) {
    const size_t comma = text.find(',');
    append_range(text.substr(0, comma), option, values);
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

int64_t parse_bytes(std::string_view text, const std::string& option) {
  constexpr const char* kForm = "a size such as 4096, 16GB or 1.5GiB";
  const size_t unit_at = text.find_first_not_of("0123456789.");
  std::string_view unit = unit_at == std::string_view::npos ? std::string_view() : text.substr(unit_at);
  if (unit_at == 0) fail(option, text, kForm);
  const double value = number<double>(text.substr(0, unit_at), option, kForm, text);
  double scale = 1;
  if (!unit.empty() && unit != "B") {
    const size_t power = std::string_view("KMGT").find(static_cast<char>(unit[0] & ~0x20)) + 1;
    unit.remove_prefix(1);
    const bool binary = !unit.empty() && unit[0] == 'i';
    if (binary) unit.remove_prefix(1);
    if (power == 0 || !(unit.empty() || unit == "B")) fail(option, text, kForm);
    scale = std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power));
  }
  const double bytes = value * scale;
  if (!(bytes >= 1) || bytes > 0x1p62) fail(option, text, kForm);
  return static_cast<int64_t>(bytes);
}

double parse_share(std::string_view text, const std::string& option) {
  constexpr const char* kForm = "a share such as 25%, above 0% and at most 100%";
  if (!text.ends_with('%')) fail(option, text, kForm);
  const double share = number<double>(text.substr(0, text.size() - 1), option, kForm, text) / 100;
  if (!(share > 0 && share <= 1)) fail(option, text, kForm);
  return share;
}

double parse_seconds(std::string_view text, const std::string& option) {
  constexpr const char* kForm = "a time above 0 such as 90, 60s, 10m or 1.5h";
  constexpr std::pair<char, double> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
  double unit = 1;
  std::string_view digits = text;
  for (const auto& [letter, seconds] : kUnits) {
    if (!text.ends_with(letter)) continue;
    unit = seconds;
    digits.remove_suffix(1);
  }
  const double value = number<double>(digits, option, kForm, text) * unit;
  if (!(value > 0 && std::isfinite(value))) fail(option, text, kForm);
  return value;
}

}  // namespace linformer
