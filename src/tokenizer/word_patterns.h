// SPDX-License-Identifier: MIT
// The regular expressions by which byte-level tokenizers cut text into words, as hand-written scanners.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace linformer {

enum class WordPattern {
  kNone,  ///< the whole text is one word
  kGpt2,
  kLlama3,  ///< numbers of up to three digits
  kQwen2,   ///< as Llama 3's, digits alone
};

/// The pattern of a regular expression as tokenizer.json writes it, if it is a known one.
std::optional<WordPattern> find_word_pattern(std::string_view expression);

/// The end of the word that begins at `begin` < text.size(). `text` is valid UTF-8. A word takes time in
/// proportion to its length, but for white space before a word, which may be read twice.
std::size_t word_end(std::string_view text, std::size_t begin, WordPattern pattern);

}  // namespace linformer
