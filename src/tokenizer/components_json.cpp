// SPDX-License-Identifier: MIT
#include "tokenizer/components_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "io/printable.h"
#include "tokenizer/json_members.h"

namespace linformer {

using nlohmann::json;

std::optional<std::string> read_tokenizer_class(const json& config, const std::string& subject) {
  const json& value = member(config, "tokenizer_class");
  if (value.is_null()) return std::nullopt;
  std::string name = read_string(value, "tokenizer_class", subject);
  for (const std::string_view suffix : {"Fast", "Tokenizer"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  }
  return name;
}

AddedToken read_added_token(const json& entry, int32_t id, const std::string& subject) {
  const auto flag = [&](const char* key) { return read_bool(entry, key, subject).value_or(false); };
  AddedToken token{.text = read_string(member(entry, "content"), "added token's content", subject),
                   .id = id,
                   .special = flag("special"),
                   .lstrip = flag("lstrip"),
                   .rstrip = flag("rstrip"),
                   .single_word = flag("single_word")};
  token.normalized = read_bool(entry, "normalized", subject).value_or(false);
  return token;
}

std::vector<AddedToken> read_added_tokens(const json& root, const std::string& subject) {
  const json& added = member(root, "added_tokens");
  if (!added.is_null() && !added.is_array()) reject_member(subject, "added_tokens", added, "an array");
  std::vector<AddedToken> tokens;
  for (const json& entry : added) {
    const int32_t id = read_id(member(entry, "id"), "added token's id", subject);
    tokens.push_back(read_added_token(entry, id, subject));
  }
  return tokens;
}

std::vector<AddedToken> read_added_tokens_decoder(const json& config, const std::string& subject) {
  constexpr const char* kItem = "added_tokens_decoder";
  const json& decoder = member(config, kItem);
  std::vector<AddedToken> tokens;
  if (decoder.is_null()) return tokens;
  if (!decoder.is_object()) reject_member(subject, kItem, decoder, "an object");
  for (const auto& [key, entry] : decoder.items()) {
    int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) {
      reject_member(subject, kItem, json(key), "token ids as keys");
    }
    tokens.push_back(read_added_token(entry, id, subject));
  }
  return tokens;
}

std::vector<std::string> read_token_ids(const json& vocabulary, const std::string& item,
                                        const std::string& subject) {
  if (!vocabulary.is_object() || vocabulary.empty()) {
    const json found = vocabulary.is_object() ? "an empty object" : vocabulary.type_name();
    reject_member(subject, item, found, "an object of tokens and their ids");
  }
  std::vector<std::string> tokens;
  const std::size_t most = 16 * vocabulary.size() + 65536;  // few ids may be unused
  for (const auto& [token, value] : vocabulary.items()) {
    const auto id = static_cast<std::size_t>(read_id(value, item, subject));
    if (id >= most) reject_member(subject, item, value, fmt::format("ids of {} tokens", vocabulary.size()));
    if (id >= tokens.size()) tokens.resize(id + 1);
    if (!tokens[id].empty()) {
      reject_member(subject, item, value,
                    fmt::format("an id for each token; \"{}\" and \"{}\" have the same",
                                printable(tokens[id]), printable(token)));
    }
    tokens[id] = token;
  }
  return tokens;
}

}  // namespace linformer
