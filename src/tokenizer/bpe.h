// SPDX-License-Identifier: MIT
// Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): the adjacent pair of lowest rank is merged,
// the leftmost first, until no pair has a rank.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tokenizer/subword_model.h"
#include "tokenizer/trie.h"

namespace linformer {

struct BpeOptions {
  bool byte_level = false;  ///< tokens spell bytes as byte_level_char does; else words begin as code points
  bool ignore_merges = false;            ///< a word that is a token is that token
  bool byte_fallback = false;            ///< a character without token is its bytes' tokens <0x00> to <0xFF>
  bool fuse_unknown = false;             ///< neighbouring unknown characters are one token
  std::optional<std::string> unknown{};  ///< without it, unknown characters are dropped
};

class BpeModel : public SubwordModel {
 public:
  /// tokens[i] has id i, an empty one is a hole; the rank of a merge is its index. Throws Error(kInput)
  /// naming `subject` and the merge whose parts or result are not tokens, or the unknown token if it is none.
  BpeModel(const std::vector<std::string>& tokens,
           const std::vector<std::pair<std::string, std::string>>& merges, const BpeOptions& options,
           const std::string& subject);

  /// Time n log n and 28 bytes of memory a byte of the word.
  void append_ids(std::string_view word, std::vector<int32_t>& ids) const override;

 private:
  struct Merge {
    int32_t rank;
    int32_t id;
  };
  class Word;

  void add_merge(const std::pair<std::string, std::string>& merge, int32_t rank, const std::string& subject);
  const Merge* find_merge(int32_t left, int32_t right) const;
  void spell(std::string_view word, std::vector<int32_t>& ids) const;
  void spell_character(std::string_view character, std::vector<int32_t>& ids) const;

  BpeOptions options_;
  Trie vocabulary_;                             ///< tokens as the vocabulary writes them
  Trie whole_words_;                            ///< with ignore_merges: tokens as text
  std::unordered_map<uint64_t, Merge> merges_;  ///< by the ids of the parts
  std::array<int32_t, 256> bytes_;              ///< the token of each byte, -1 if there is none
  int32_t unknown_ = -1;
};

}  // namespace linformer
