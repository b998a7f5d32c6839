// SPDX-License-Identifier: MIT
#include "tokenizer/json_members.h"

#include <fmt/format.h>

#include <limits>

#include "base/error.h"
#include "io/printable.h"

namespace linformer {

using nlohmann::json;

void refuse_member(const std::string& subject, std::string item, std::string_view found,
                   std::string expected) {
  throw Error(ErrorCode::kUnsupported,
              {subject, std::move(item), printable(found), std::move(expected), kTokenIdsRemedy});
}

void reject_member(const std::string& subject, std::string item, const json& found, std::string expected) {
  throw Error(ErrorCode::kInput, {subject, std::move(item),
                                  printable(found.dump(-1, ' ', false, json::error_handler_t::replace)),
                                  std::move(expected), kTokenIdsRemedy});
}

const json& member(const json& object, std::string_view key) {
  static const json null;
  if (!object.is_object()) return null;
  const auto found = object.find(std::string(key));
  return found == object.end() ? null : *found;
}

std::optional<bool> read_bool(const json& object, const char* key, const std::string& subject) {
  const json& value = member(object, key);
  if (value.is_null()) return std::nullopt;
  if (!value.is_boolean()) reject_member(subject, key, value, "true, false or null");
  return value.get<bool>();
}

std::string read_string(const json& value, const std::string& item, const std::string& subject) {
  if (!value.is_string()) reject_member(subject, item, value, "a string");
  return value.get<std::string>();
}

int32_t read_id(const json& value, const std::string& item, const std::string& subject) {
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  if (!value.is_number_integer() || value < 0 || value > kMax) {
    reject_member(subject, item, value, fmt::format("a token id, 0 to {}", kMax));
  }
  return value.get<int32_t>();
}

std::optional<std::string> read_token(const json& object, const char* key, const std::string& subject) {
  const json& value = member(object, key);
  if (value.is_null()) return std::nullopt;
  return read_string(value.is_object() ? member(value, "content") : value, key, subject);
}

std::string type_of(const json& component, const std::string& item, const std::string& subject) {
  if (component.is_null()) return "none";
  return read_string(member(component, "type"), item, subject);
}

}  // namespace linformer
