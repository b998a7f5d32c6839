// SPDX-License-Identifier: MIT
// SentencePiece's precompiled normalisation rules: a double-array trie of byte strings, each with the text
// that replaces it (sentencepiece's normalizer.h; the trie is that of darts-clone).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/normalizer.h"

namespace linformer {

class Charsmap {
 public:
  /// The bytes as model files hold them: the trie's size, its units, texts that end in a zero byte. Throws
  /// Error(kInput) naming `subject` if sizes do not fit or a text is not UTF-8.
  Charsmap(std::string_view bytes, const std::string& subject);

  Charsmap(const Charsmap&) = delete;
  Charsmap& operator=(const Charsmap&) = delete;

  /// Applies the rules as the tokenizers library does: to a whole grapheme of less than 6 bytes if a rule's
  /// text begins it (the shortest such rule counts), else to each code point.
  std::string apply(std::string_view text) const;

  /// The longest rule that `text`, which is not empty, begins with.
  struct Rule {
    std::size_t length = 0;  ///< of the text that is replaced; 0: no rule
    std::string_view replacement{};
  };
  Rule longest(std::string_view text) const;

 private:
  /// f(length, its text) for each rule that the text begins with, the shortest first, until it returns false.
  template <class F>
  void for_each_rule(std::string_view text, F&& f) const;
  std::optional<std::string_view> text_at(std::size_t node) const;
  std::optional<std::string_view> find(std::string_view key) const;
  void append_grapheme(std::string_view grapheme, std::string& result) const;

  std::vector<uint32_t> units_;
  std::string texts_;
  std::vector<std::optional<std::string_view>> ascii_;  ///< of single ASCII characters
};

/// Bytes of base 64, as tokenizer.json holds them. Throws Error(kInput) naming `subject`.
std::string decode_base64(std::string_view text, const std::string& subject);

/// The rules as a step of normalisation.
Normalizer::Step charsmap_step(std::string_view bytes, const std::string& subject);

}  // namespace linformer
