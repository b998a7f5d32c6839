// SPDX-License-Identifier: MIT
// How numbers enter reports, tables and CSV: never NaN or infinity, never the locale's decimal sign.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/order_statistics.h"

namespace linformer {

inline constexpr std::string_view kNotFinite = "not a finite number";

/// object[key] = value, or null with object["<key>_reason"] = reason if the value is not finite.
void set_number(nlohmann::ordered_json& object, std::string_view key, double value,
                std::string_view reason = kNotFinite);
/// The same; null too if there is no value.
void set_number(nlohmann::ordered_json& object, std::string_view key, std::optional<double> value,
                std::string_view reason);
/// object[key] = text, or null with the reason if it is empty.
void set_text(nlohmann::ordered_json& object, std::string_view key, std::string_view text,
              std::string_view reason);
/// object[key] = [low, high], or null with the reason if there is none or an end is not finite.
void set_interval(nlohmann::ordered_json& object, std::string_view key,
                  const std::optional<Interval>& interval, std::string_view reason);

/// The shortest text that reads back as the same number, e.g. "0.1", "512", "1e-09"; "" if it is not finite.
std::string shortest(double value);
/// With that many decimals, "?" if it is not finite.
std::string fixed(double value, int decimals);
/// The same with its sign, "+0.052".
std::string signed_fixed(double value, int decimals);
/// "1 layer", "3 layers".
std::string counted(int64_t count, std::string_view noun);

}  // namespace linformer
