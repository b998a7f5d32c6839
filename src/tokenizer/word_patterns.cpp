// SPDX-License-Identifier: MIT
#include "tokenizer/word_patterns.h"

#include <array>
#include <cstdint>

#include "tokenizer/unicode.h"

namespace linformer {
namespace {

constexpr std::string_view kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

enum class Class : uint8_t { kLetter, kNumber, kSpace, kOther };

Class classify(char32_t code) {
  if (is_white_space(code)) return Class::kSpace;
  if (is_letter(code)) return Class::kLetter;
  return is_number(code) ? Class::kNumber : Class::kOther;
}

constexpr std::array<Class, 128> make_ascii() {
  std::array<Class, 128> classes{};
  for (unsigned c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool number = c >= '0' && c <= '9';
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    classes[c] = letter ? Class::kLetter : number ? Class::kNumber : space ? Class::kSpace : Class::kOther;
  }
  return classes;
}

constexpr std::array<Class, 128> kAscii = make_ascii();

struct Char {
  Class kind;
  std::size_t end;
};

Char char_at(std::string_view text, std::size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  if (byte < 0x80) return {kAscii[byte], i + 1};
  const DecodedChar decoded = decode_utf8(text, i);
  return {classify(decoded.code), i + decoded.length};
}

bool is_newline(char c) { return c == '\r' || c == '\n'; }

std::size_t run_end(std::string_view text, std::size_t i, Class kind) {
  while (i < text.size()) {
    const Char next = char_at(text, i);
    if (next.kind != kind) break;
    i = next.end;
  }
  return i;
}

/// \p{N}{1,most}
std::size_t number_end(std::string_view text, std::size_t i, int most) {
  for (; most > 0 && i < text.size(); --most) {
    const Char next = char_at(text, i);
    if (next.kind != Class::kNumber) break;
    i = next.end;
  }
  return i;
}

/// A letter of a contraction: lower case, or any case that folds to it (U+017F folds to s). Its end, or npos.
std::size_t letter_end(std::string_view text, std::size_t i, char letter, bool any_case) {
  if (i >= text.size()) return std::string_view::npos;
  if (text[i] == letter || (any_case && text[i] == letter - 'a' + 'A')) return i + 1;
  const bool long_s = any_case && letter == 's' && text.substr(i).starts_with("\xC5\xBF");
  return long_s ? i + 2 : std::string_view::npos;
}

/// 's|'t|'re|'ve|'m|'ll|'d, or npos.
std::size_t contraction_end(std::string_view text, std::size_t begin, bool any_case) {
  if (text[begin] != '\'') return std::string_view::npos;
  for (const std::string_view letters : {"s", "t", "re", "ve", "m", "ll", "d"}) {
    std::size_t end = begin + 1;
    for (const char letter : letters) {
      end = letter_end(text, end, letter, any_case);
      if (end == std::string_view::npos) break;
    }
    if (end != std::string_view::npos) return end;
  }
  return std::string_view::npos;
}

/// \s+(?!\S)|\s+ for the white space from begin to end: without its last character if a word follows and
/// there are others.
std::size_t space_end(std::string_view text, std::size_t begin, std::size_t end) {
  if (end == text.size()) return end;
  std::size_t last = end - 1;
  while ((static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last > begin ? last : end;
}

/// The class of the character after an optional space, and where it begins.
struct AfterSpace {
  Class kind;
  std::size_t begin;
};
AfterSpace after_space(std::string_view text, std::size_t begin) {
  if (text[begin] != ' ' || begin + 1 >= text.size()) return {char_at(text, begin).kind, begin};
  return {char_at(text, begin + 1).kind, begin + 1};
}

std::size_t gpt2_end(std::string_view text, std::size_t begin) {
  const std::size_t contraction = contraction_end(text, begin, false);
  if (contraction != std::string_view::npos) return contraction;
  const AfterSpace word = after_space(text, begin);
  if (word.kind != Class::kSpace) return run_end(text, word.begin, word.kind);
  return space_end(text, begin, run_end(text, begin, Class::kSpace));
}

/// \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t lines_end(std::string_view text, std::size_t begin) {
  const std::size_t end = run_end(text, begin, Class::kSpace);
  for (std::size_t i = end; i > begin; --i) {
    if (is_newline(text[i - 1])) return i;
  }
  return space_end(text, begin, end);
}

std::size_t llama3_end(std::string_view text, std::size_t begin, int digits) {
  const std::size_t contraction = contraction_end(text, begin, true);
  if (contraction != std::string_view::npos) return contraction;
  const Char first = char_at(text, begin);
  if (first.kind == Class::kLetter) return run_end(text, begin, Class::kLetter);
  if (first.kind == Class::kNumber) return number_end(text, begin, digits);
  const bool before_letters =
      !is_newline(text[begin]) && first.end < text.size() && char_at(text, first.end).kind == Class::kLetter;
  if (before_letters) return run_end(text, first.end, Class::kLetter);
  const AfterSpace word = after_space(text, begin);
  if (word.kind != Class::kOther) return lines_end(text, begin);
  std::size_t end = run_end(text, word.begin, Class::kOther);
  while (end < text.size() && is_newline(text[end])) ++end;
  return end;
}

}  // namespace

std::optional<WordPattern> find_word_pattern(std::string_view expression) {
  if (expression == kGpt2Expression) return WordPattern::kGpt2;
  if (expression == kLlama3Expression) return WordPattern::kLlama3;
  if (expression == kQwen2Expression) return WordPattern::kQwen2;
  return std::nullopt;
}

std::size_t word_end(std::string_view text, std::size_t begin, WordPattern pattern) {
  switch (pattern) {
    case WordPattern::kNone:
      return text.size();
    case WordPattern::kGpt2:
      return gpt2_end(text, begin);
    case WordPattern::kLlama3:
      return llama3_end(text, begin, 3);
    case WordPattern::kQwen2:
      return llama3_end(text, begin, 1);
  }
  return text.size();
}

}  // namespace linformer
