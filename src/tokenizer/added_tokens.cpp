// SPDX-License-Identifier: MIT
#include "tokenizer/added_tokens.h"

#include "tokenizer/unicode.h"

namespace linformer {
namespace {

/// Where the code point before `end` > 0 begins.
std::size_t previous(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin;
}

bool is_word_char(char32_t code) { return code == '_' || is_letter(code) || is_number(code); }

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  const bool touched_left = begin > 0 && is_word_char(decode_utf8(text, previous(text, begin)).code);
  return !touched_left && (end >= text.size() || !is_word_char(decode_utf8(text, end).code));
}

std::size_t space_before(std::string_view text, std::size_t begin, std::size_t least) {
  while (begin > least) {
    const std::size_t before = previous(text, begin);
    if (!is_white_space(decode_utf8(text, before).code)) break;
    begin = before;
  }
  return begin;
}

std::size_t space_after(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    const DecodedChar next = decode_utf8(text, end);
    if (!is_white_space(next.code)) break;
    end += next.length;
  }
  return end;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].text.empty()) continue;
    trie_.insert(tokens_[i].text, static_cast<int32_t>(i));
    begins_[static_cast<unsigned char>(tokens_[i].text[0])] = true;
  }
}

AddedTokens::Found AddedTokens::find(std::string_view text, std::size_t from) const {
  for (std::size_t i = from; i < text.size(); ++i) {
    if (!begins_[static_cast<unsigned char>(text[i])]) continue;
    const Trie::Match match = trie_.longest_prefix(text.substr(i));
    if (match.id < 0) continue;
    const AddedToken& token = tokens_[static_cast<std::size_t>(match.id)];
    const std::size_t end = i + match.length;
    if (token.single_word && !stands_alone(text, i, end)) {
      i = end - 1;
      continue;
    }
    return {&token, token.lstrip ? space_before(text, i, from) : i,
            token.rstrip ? space_after(text, end) : end};
  }
  return {nullptr, text.size(), text.size()};
}

void AddedTokens::split(std::string_view text, const std::function<bool(std::string_view, std::size_t)>& part,
                        const std::function<bool(int32_t)>& token) const {
  std::size_t from = 0;
  while (from < text.size()) {
    const Found found = tokens_.empty() ? Found{nullptr, text.size(), text.size()} : find(text, from);
    if (found.begin > from && !part(text.substr(from, found.begin - from), from)) return;
    if (found.token != nullptr && !token(found.token->id)) return;
    from = found.end;
  }
}

}  // namespace linformer
