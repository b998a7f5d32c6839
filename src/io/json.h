// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace linformer {

/// Strict JSON: read_json's rules, and no duplicate keys, at most 64 levels. `subject` names the text in the
/// Error(kInput) that every fault throws with the byte where it is.
nlohmann::json parse_json(std::string_view text, const std::string& subject);

/// Typed access to a member of an object. Throws Error(kInput) naming subject and key when it is missing or
/// of another type; integers must be written as such and fit 64 bits.
int64_t json_int(const nlohmann::json& object, std::string_view key, const std::string& subject);
double json_double(const nlohmann::json& object, std::string_view key, const std::string& subject);
bool json_bool(const nlohmann::json& object, std::string_view key, const std::string& subject);
std::string json_string(const nlohmann::json& object, std::string_view key, const std::string& subject);

/// The same with a default for a member that is missing or null.
int64_t json_int(const nlohmann::json& object, std::string_view key, const std::string& subject,
                 int64_t fallback);
double json_double(const nlohmann::json& object, std::string_view key, const std::string& subject,
                   double fallback);
bool json_bool(const nlohmann::json& object, std::string_view key, const std::string& subject, bool fallback);
std::string json_string(const nlohmann::json& object, std::string_view key, const std::string& subject,
                        std::string_view fallback);

/// Text with members in their order, two spaces a level, shortest numbers that read back the same, and a
/// final newline; the same bytes in every locale. Bytes that are not UTF-8 become U+FFFD. Throws
/// Error(kInternal) naming the key if a number is not finite, since JSON has none.
std::string dump_json(const nlohmann::ordered_json& value);

}  // namespace linformer
