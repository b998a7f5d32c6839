// SPDX-License-Identifier: MIT
#include "report/numbers.h"

#include <fmt/format.h>

#include <cmath>

namespace linformer {
namespace {

void set_null(nlohmann::ordered_json& object, std::string_view key, std::string_view reason) {
  object[std::string(key)] = nullptr;
  object[fmt::format("{}_reason", key)] = reason;
}

}  // namespace

void set_number(nlohmann::ordered_json& object, std::string_view key, double value, std::string_view reason) {
  if (!std::isfinite(value)) return set_null(object, key, reason);
  object[std::string(key)] = value;
}

void set_number(nlohmann::ordered_json& object, std::string_view key, std::optional<double> value,
                std::string_view reason) {
  if (!value) return set_null(object, key, reason);
  set_number(object, key, *value);
}

void set_text(nlohmann::ordered_json& object, std::string_view key, std::string_view text,
              std::string_view reason) {
  if (text.empty()) return set_null(object, key, reason);
  object[std::string(key)] = text;
}

void set_interval(nlohmann::ordered_json& object, std::string_view key,
                  const std::optional<Interval>& interval, std::string_view reason) {
  if (!interval) return set_null(object, key, reason);
  if (!std::isfinite(interval->low) || !std::isfinite(interval->high))
    return set_null(object, key, kNotFinite);
  object[std::string(key)] = {interval->low, interval->high};
}

std::string shortest(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }

std::string fixed(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "?";
}

std::string signed_fixed(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:+.{}f}", value, decimals) : "?";
}

std::string counted(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace linformer
