// SPDX-License-Identifier: MIT
// What tokenizers need of Unicode, code point by code point; the tables are utf8proc's.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace linformer {

inline constexpr char32_t kReplacement = 0xFFFD;

/// One step of decoding.
struct DecodedChar {
  char32_t code;       ///< kReplacement if the bytes are not UTF-8
  std::size_t length;  ///< bytes read, at least 1
  bool valid;
};

/// Decodes at `position` < text.size(). A wrong sequence is as long as its longest prefix that could begin a
/// character (Unicode 3.9, "substitution of maximal subparts"; Python's errors="replace" does the same).
DecodedChar decode_utf8(std::string_view text, std::size_t position);

/// Appends a code point, which must not be a surrogate.
void append_utf8(char32_t code, std::string& text);

/// The first byte that is not part of valid UTF-8, or npos.
std::size_t find_invalid_utf8(std::string_view text);

/// `text` with U+FFFD for what is not UTF-8, as decode_utf8 reads it.
std::string replace_invalid_utf8(std::string_view text);

/// The end of the grapheme cluster (UAX 29, extended) that begins at `begin` < text.size().
std::size_t grapheme_end(std::string_view text, std::size_t begin);

/// Categories Cc, Cf and Co; unassigned code points are not among them.
bool is_control(char32_t code);
/// Categories Zs, Zl and Zp: White_Space but for the controls U+0009..000D and U+0085.
bool is_separator(char32_t code);
/// White_Space: separators and the controls U+0009..000D and U+0085.
bool is_white_space(char32_t code);
/// Categories L*.
bool is_letter(char32_t code);
/// Categories N*.
bool is_number(char32_t code);
/// Categories P*.
bool is_punctuation(char32_t code);
/// Categories M*.
bool is_mark(char32_t code);
/// Category Mn.
bool is_nonspacing_mark(char32_t code);
/// Canonical combining class; 0 for starters.
int combining_class(char32_t code);
/// Whether the code point decomposes canonically.
bool has_decomposition(char32_t code);

/// A full canonical decomposition; the longest has 4 code points (Unicode stability policy).
struct Decomposition {
  std::array<char32_t, 8> codes;
  std::size_t size = 0;
};
Decomposition decompose(char32_t code);

/// The normal forms of valid UTF-8 text; all of it is decomposed in memory, 4 bytes a code point. Throws
/// Error(kInput) if it cannot be.
enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
std::string normalize(std::string_view text, NormalForm form);

/// Simple lower case of one code point, without context. U+0130, the only one whose full lower case has two
/// code points (U+0069 U+0307), is left to the caller.
char32_t lower_case(char32_t code);

}  // namespace linformer
