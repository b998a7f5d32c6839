// SPDX-License-Identifier: MIT
#include "tokenizer/unicode.h"

#include <utf8proc.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/error.h"

namespace linformer {
namespace {

const utf8proc_property_t& properties(char32_t code) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
}

/// What a leading byte announces: how many continuation bytes, and the range of the first of them (which
/// excludes overlong forms, surrogates and values above U+10FFFF).
struct Lead {
  std::size_t continuations = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
};

Lead read_lead(uint8_t byte) {
  if (byte < 0xC2 || byte > 0xF4) return {};
  if (byte < 0xE0) return {.continuations = 1};
  if (byte == 0xE0) return {.continuations = 2, .low = 0xA0};
  if (byte == 0xED) return {.continuations = 2, .high = 0x9F};
  if (byte < 0xF0) return {.continuations = 2};
  if (byte == 0xF0) return {.continuations = 3, .low = 0x90};
  if (byte == 0xF4) return {.continuations = 3, .high = 0x8F};
  return {.continuations = 3};
}

}  // namespace

DecodedChar decode_utf8(std::string_view text, std::size_t position) {
  const auto first = static_cast<uint8_t>(text[position]);
  if (first < 0x80) return {first, 1, true};
  Lead lead = read_lead(first);
  if (lead.continuations == 0) return {kReplacement, 1, false};
  char32_t code = first & (0x3Fu >> lead.continuations);
  for (std::size_t i = 1; i <= lead.continuations; ++i) {
    if (position + i >= text.size()) return {kReplacement, i, false};
    const auto byte = static_cast<uint8_t>(text[position + i]);
    if (byte < lead.low || byte > lead.high) return {kReplacement, i, false};
    code = (code << 6) | (byte & 0x3Fu);
    lead.low = 0x80;
    lead.high = 0xBF;
  }
  return {code, lead.continuations + 1, true};
}

void append_utf8(char32_t code, std::string& text) {
  std::array<utf8proc_uint8_t, 4> bytes;
  const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes.data());
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    text.push_back(static_cast<char>(bytes[static_cast<std::size_t>(i)]));
  }
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const DecodedChar next = decode_utf8(text, i);
    if (!next.valid) return i;
    i += next.length;
  }
  return std::string_view::npos;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const DecodedChar next = decode_utf8(text, i);
    append_utf8(next.code, valid);
    i += next.length;
  }
  return valid;
}

std::size_t grapheme_end(std::string_view text, std::size_t begin) {
  DecodedChar before = decode_utf8(text, begin);
  std::size_t end = begin + before.length;
  utf8proc_int32_t state = 0;
  while (end < text.size()) {
    const DecodedChar next = decode_utf8(text, end);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before.code),
                                         static_cast<utf8proc_int32_t>(next.code), &state)) {
      break;
    }
    before = next;
    end += next.length;
  }
  return end;
}

bool is_control(char32_t code) {
  const auto category = properties(code).category;
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
         category == UTF8PROC_CATEGORY_CO;
}

bool is_separator(char32_t code) {
  const auto category = properties(code).category;
  return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_ZP;
}

bool is_white_space(char32_t code) {
  return (code >= '\t' && code <= '\r') || code == 0x85 || is_separator(code);
}

bool is_letter(char32_t code) {
  const auto category = properties(code).category;
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t code) {
  const auto category = properties(code).category;
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t code) {
  const auto category = properties(code).category;
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool is_mark(char32_t code) {
  const auto category = properties(code).category;
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

bool is_nonspacing_mark(char32_t code) { return properties(code).category == UTF8PROC_CATEGORY_MN; }

int combining_class(char32_t code) { return properties(code).combining_class; }

bool has_decomposition(char32_t code) {
  const bool hangul_syllable = code >= 0xAC00 && code <= 0xD7A3;  // decomposed by rule, not by table
  const utf8proc_property_t& property = properties(code);
  return hangul_syllable || (property.decomp_seqindex != UINT16_MAX && property.decomp_type == 0);
}

Decomposition decompose(char32_t code) {
  std::array<utf8proc_int32_t, 8> codes;
  int boundary = 0;
  const auto count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), codes.data(),
                              static_cast<utf8proc_ssize_t>(codes.size()), UTF8PROC_DECOMPOSE, &boundary);
  Decomposition result;
  if (count < 0 || count > static_cast<utf8proc_ssize_t>(codes.size())) {
    result.codes[result.size++] = code;
    return result;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    result.codes[result.size++] = static_cast<char32_t>(codes[static_cast<std::size_t>(i)]);
  }
  return result;
}

std::string normalize(std::string_view text, NormalForm form) {
  const bool compose = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  const int options = UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                      (compatible ? UTF8PROC_COMPAT : 0);
  utf8proc_uint8_t* bytes = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &bytes,
                                             static_cast<utf8proc_option_t>(options));
  if (size < 0) throw Error(ErrorCode::kInput, {"text", "", utf8proc_errmsg(size), "text in UTF-8", ""});
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(bytes, &std::free);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

char32_t lower_case(char32_t code) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

}  // namespace linformer
