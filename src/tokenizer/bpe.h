// SPDX-License-Identifier: MIT
// Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): the adjacent pair of lowest rank is merged,
// the leftmost first, until no pair has a rank.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/subword_model.h"
#include "tokenizer/trie.h"

namespace linformer {

/// Two tokens, the first of which stands before the second; the rank is the merge's place in its file.
using MergeTexts = std::vector<std::pair<std::string, std::string>>;

struct BpeOptions {
  bool byte_level = false;  ///< tokens spell bytes as byte_level_char does; else words begin as code points
  bool ignore_merges = false;            ///< a word that is a token is that token
  bool byte_fallback = false;            ///< a character without token is its bytes' tokens <0x00> to <0xFF>
  bool fuse_unknown = false;             ///< neighbouring unknown characters are one token
  std::optional<std::string> unknown{};  ///< without it, unknown characters are dropped
  std::vector<int32_t> whole{};          ///< tokens that are taken where they stand and never merged
};

class BpeModel : public SubwordModel {
 public:
  /// tokens[i] has id i, an empty one is a hole. Throws Error(kInput) naming `subject` and the merge whose
  /// parts or result are not tokens, the unknown token if it is none, or a token that is too long.
  BpeModel(const std::vector<std::string>& tokens, const MergeTexts& merges, const BpeOptions& options,
           const std::string& subject);

  /// With merges by ids. `characters` are further ones that merges may begin with, with ids from
  /// tokens.size() on; where they stay, they are characters without token.
  BpeModel(const std::vector<std::string>& tokens, const std::vector<std::string>& characters,
           MergeTable merges, const BpeOptions& options, const std::string& subject);

  /// Time n log n and 24 bytes of memory a byte of the word.
  void append_ids(std::string_view word, std::vector<int32_t>& ids) const override;

 private:
  void add_tokens(const std::vector<std::string>& tokens, const std::string& subject);
  void add_merge(const std::pair<std::string, std::string>& merge, int32_t rank, const std::string& subject);
  // The word's ids begin at `begin`.
  void spell(std::string_view word, std::size_t begin, std::vector<int32_t>& ids) const;
  void append_unknown(std::string_view character, std::size_t begin, std::vector<int32_t>& ids) const;
  void resolve_characters(std::size_t begin, std::vector<int32_t>& ids) const;

  BpeOptions options_;
  Trie vocabulary_;   ///< tokens as the vocabulary writes them, and the further characters
  Trie whole_words_;  ///< with ignore_merges: tokens as text
  Trie whole_;        ///< options_.whole
  MergeTable merges_;
  std::vector<std::string> characters_;  ///< with ids from known_ on
  int32_t known_ = 0;                    ///< tokens
  std::array<int32_t, 256> bytes_;       ///< the token of each byte, -1 if there is none
  int32_t unknown_ = -1;
};

}  // namespace linformer
