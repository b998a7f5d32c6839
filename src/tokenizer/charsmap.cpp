// SPDX-License-Identifier: MIT
#include "tokenizer/charsmap.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "base/error.h"
#include "tokenizer/json_members.h"
#include "tokenizer/unicode.h"

namespace linformer {
namespace {

constexpr std::size_t kLongGrapheme = 6;
constexpr std::size_t kLongestKey = 256;  // bytes; a loop in a hostile trie ends there

[[noreturn]] void reject_rules(const std::string& subject, std::string found, std::string expected) {
  throw Error(ErrorCode::kInput,
              {subject, "precompiled_charsmap", std::move(found), std::move(expected), kTokenIdsRemedy});
}

// Fields of a unit of the double array.
bool has_value(uint32_t unit) { return ((unit >> 8) & 1) != 0; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFFu; }
uint32_t label_of(uint32_t unit) { return unit & 0x800000FFu; }
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & 0x200u) >> 6); }

int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& subject) {
  uint32_t size = 0;
  if (bytes.size() >= sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
  if (bytes.size() < sizeof size || size == 0 || size % sizeof(uint32_t) != 0 ||
      size > bytes.size() - sizeof size) {
    reject_rules(subject, fmt::format("a trie of {} bytes in {}", size, bytes.size()),
                 "whole units within the rules");
  }
  units_.resize(size / sizeof(uint32_t));
  std::memcpy(units_.data(), bytes.data() + sizeof size, size);
  texts_ = bytes.substr(sizeof size + size);
  if (!texts_.empty() && texts_.back() != '\0') reject_rules(subject, "a text without end", "a zero byte");
  if (find_invalid_utf8(texts_) != std::string::npos) reject_rules(subject, "a text not in UTF-8", "UTF-8");
  for (int c = 0; c < 0x80; ++c) {
    const char key = static_cast<char>(c);
    ascii_.push_back(find({&key, 1}));
  }
}

/// The text that a leaf of the trie points to.
std::optional<std::string_view> Charsmap::text_at(std::size_t node) const {
  if (node >= units_.size()) return std::nullopt;
  const std::size_t begin = value_of(units_[node]);
  if (begin >= texts_.size()) return std::nullopt;
  return std::string_view(texts_).substr(begin, texts_.find('\0', begin) - begin);
}

template <class F>
void Charsmap::for_each_rule(std::string_view text, F&& f) const {
  std::size_t node = offset_of(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) return;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (has_value(unit) && !f(i + 1, text_at(node))) return;
  }
}

/// The text of the shortest rule that `key` begins with.
std::optional<std::string_view> Charsmap::find(std::string_view key) const {
  std::optional<std::string_view> found;
  for_each_rule(key, [&](std::size_t, std::optional<std::string_view> text) {
    found = text;
    return false;
  });
  return found;
}

Charsmap::Rule Charsmap::longest(std::string_view text) const {
  Rule best;
  for_each_rule(text.substr(0, kLongestKey),
                [&](std::size_t length, std::optional<std::string_view> replacement) {
                  if (replacement) best = {length, *replacement};
                  return true;
                });
  return best;
}

void Charsmap::append_grapheme(std::string_view grapheme, std::string& result) const {
  if (grapheme.size() < kLongGrapheme) {
    if (const auto text = find(grapheme)) {
      result += *text;
      return;
    }
  }
  for (std::size_t i = 0; i < grapheme.size();) {
    const std::size_t length = decode_utf8(grapheme, i).length;
    const std::string_view character = grapheme.substr(i, length);
    result += find(character).value_or(character);
    i += length;
  }
}

std::string Charsmap::apply(std::string_view text) const {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool next_is_ascii = i + 1 == text.size() || static_cast<unsigned char>(text[i + 1]) < 0x80;
    if (byte < 0x80 && byte != '\r' && next_is_ascii) {  // a grapheme by itself
      result += ascii_[byte].value_or(text.substr(i, 1));
      check_expansion(text.size(), result.size());
      ++i;
      continue;
    }
    const std::size_t end = grapheme_end(text, i);
    append_grapheme(text.substr(i, end - i), result);
    check_expansion(text.size(), result.size());
    i = end;
  }
  return result;
}

std::string decode_base64(std::string_view text, const std::string& subject) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    const int digit = digit_of(c);
    if (digit < 0)
      reject_rules(subject, fmt::format("the byte {:#x}", static_cast<unsigned char>(c)), "base 64");
    held = ((held << 6) | static_cast<uint32_t>(digit)) & 0xFFFFu;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>((held >> bits) & 0xFFu));
  }
  return bytes;
}

Normalizer::Step charsmap_step(std::string_view bytes, const std::string& subject) {
  return [map = std::make_shared<const Charsmap>(bytes, subject)](const std::string& text, Place) {
    return map->apply(text);
  };
}

}  // namespace linformer
