// SPDX-License-Identifier: MIT
#include "tokenizer/unicode.h"

#include <string>
#include <vector>

#include "catch.h"

using namespace linformer;

namespace {

/// What Python's bytes.decode("utf-8", "replace") gives, as code points.
std::vector<char32_t> decode_all(std::string_view text) {
  std::vector<char32_t> codes;
  for (std::size_t i = 0; i < text.size();) {
    const DecodedChar next = decode_utf8(text, i);
    codes.push_back(next.code);
    i += next.length;
  }
  return codes;
}

using Codes = std::vector<char32_t>;

}  // namespace

TEST_CASE("Every code point survives encoding and decoding", "[tokenizer]") {
  int wrong = 0;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(code, text);
    const DecodedChar back = decode_utf8(text, 0);
    wrong += !(back.valid && back.code == code && back.length == text.size());
  }
  CHECK(wrong == 0);
}

TEST_CASE("Bytes that are not UTF-8 become replacement characters as in Python", "[tokenizer]") {
  CHECK(decode_all("a\x80"
                   "b") == Codes{'a', 0xFFFD, 'b'});
  CHECK(decode_all("\xC0\xAF") == Codes{0xFFFD, 0xFFFD});              // overlong
  CHECK(decode_all("\xE2\x82z") == Codes{0xFFFD, 'z'});                // cut short
  CHECK(decode_all("\xED\xA0\x80") == Codes{0xFFFD, 0xFFFD, 0xFFFD});  // surrogate
  CHECK(decode_all("\xF4\x90\x80\x80").size() == 4);                   // above U+10FFFF
  CHECK(decode_all("\xF0\x9F\x98") == Codes{0xFFFD});                  // cut short at the end
  CHECK(decode_all("\xF0\x9F\xE2\x82\xAC") == Codes{0xFFFD, 0x20AC});  // a good one after a cut one
  CHECK(find_invalid_utf8("ab\xC3\xA9\xFF") == 4);
  CHECK(find_invalid_utf8("ab\xC3\xA9") == std::string_view::npos);
}

TEST_CASE("Decompositions are full and canonical", "[tokenizer]") {
  const auto parts = [](char32_t code) {
    const Decomposition d = decompose(code);
    return Codes(d.codes.begin(), d.codes.begin() + static_cast<std::ptrdiff_t>(d.size));
  };
  CHECK(parts(U'\u1EC7') == Codes{'e', 0x323, 0x302});
  CHECK(parts(U'\uD55C') == Codes{0x1112, 0x1161, 0x11AB});  // a Hangul syllable
  CHECK(parts(U'\uFB01') == Codes{0xFB01});                  // a ligature decomposes by compatibility only
  CHECK_FALSE(has_decomposition(U'\uFB01'));
  int wrong = 0;
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (!has_decomposition(code)) wrong += parts(code) != Codes{code};
  }
  CHECK(wrong == 0);
}

TEST_CASE("Lower case is per code point", "[tokenizer]") {
  CHECK(lower_case(U'\u03A3') == U'\u03C3');  // sigma, never final sigma
  CHECK(lower_case(U'\u1E9E') == U'\u00DF');
  CHECK(lower_case(U'\u212A') == U'k');
  CHECK(lower_case(U'1') == U'1');
}
