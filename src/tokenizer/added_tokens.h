// SPDX-License-Identifier: MIT
// Tokens that are found in the text as they are written, before anything else (tokenizers' AddedVocabulary).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/trie.h"

namespace linformer {

struct AddedToken {
  std::string text;
  int32_t id = 0;
  bool special = false;
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space after it
  bool single_word = false;  ///< only where no letter, number or "_" touches it
  bool normalized = false;   ///< looked for in the normalised text
};

class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// Cuts text at its tokens: calls part(text between tokens, its offset) for each part that is not empty and
  /// token(id) in order, until one of them returns false. Of tokens that begin at one place the longest
  /// counts. Time: the text's length times that of the longest token.
  void split(std::string_view text, const std::function<bool(std::string_view, std::size_t)>& part,
             const std::function<bool(int32_t)>& token) const;

 private:
  struct Found {
    const AddedToken* token = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  Found find(std::string_view text, std::size_t from) const;

  std::vector<AddedToken> tokens_;
  Trie trie_;  ///< indices into tokens_
  std::array<bool, 256> begins_{};
};

}  // namespace linformer
