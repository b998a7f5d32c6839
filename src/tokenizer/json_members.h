// SPDX-License-Identifier: MIT
// Members of the JSON files that describe tokenizers, and the errors about them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace linformer {

inline constexpr const char* kTokenIdsRemedy = "Tokenise the text elsewhere and give the ids with --ids";

/// Throws Error(kUnsupported): known to exist, not run here.
[[noreturn]] void refuse_member(const std::string& subject, std::string item, std::string_view found,
                                std::string expected);

/// Throws Error(kInput): not what such a file holds.
[[noreturn]] void reject_member(const std::string& subject, std::string item, const nlohmann::json& found,
                                std::string expected);

/// The member, or null if there is none.
const nlohmann::json& member(const nlohmann::json& object, std::string_view key);

/// Values of the right type, or Error(kInput). For read_bool a missing or null member is no value.
std::optional<bool> read_bool(const nlohmann::json& object, const char* key, const std::string& subject);
std::string read_string(const nlohmann::json& value, const std::string& item, const std::string& subject);
int32_t read_id(const nlohmann::json& value, const std::string& item, const std::string& subject);

/// A token's text, a string or an object whose "content" it is; nothing if the member is missing or null.
std::optional<std::string> read_token(const nlohmann::json& object, const char* key,
                                      const std::string& subject);

/// The "type" of a component of tokenizer.json, "none" if it is null.
std::string type_of(const nlohmann::json& component, const std::string& item, const std::string& subject);

}  // namespace linformer
