// SPDX-License-Identifier: MIT
// How normalised text is cut into the words that a subword model sees (tokenizers' pre-tokenizers).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/normalizer.h"
#include "tokenizer/word_patterns.h"

namespace linformer {

/// SentencePiece's sign for a space, U+2581.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// Spaces become space marks, and each word may get one in front.
struct Metaspace {
  enum class Prepend { kNever, kFirst, kAlways };
  Prepend prepend = Prepend::kAlways;  ///< kFirst: the word at the very start of the text
  bool split = true;                   ///< each mark begins a word
};

struct WordSplitter {
  /// Gets words, none empty; returns false to end the splitting.
  using Sink = std::function<bool(std::string_view word)>;

  WordPattern pattern = WordPattern::kNone;
  bool prefix_space = false;    ///< a space in front of a text that begins with none
  bool at_white_space = false;  ///< words are what lies between white space
  std::optional<Metaspace> metaspace{};
  /// Where a space mark follows another character a word begins; right if no token has a mark there.
  bool at_space_marks = false;

  /// `text` is valid UTF-8.
  void split(std::string_view text, Place place, const Sink& sink) const;
};

/// Whether no token has a space mark after another character and a lone mark is one: words can be cut before
/// such marks then.
bool marks_begin_tokens(const std::vector<std::string>& tokens);

}  // namespace linformer
