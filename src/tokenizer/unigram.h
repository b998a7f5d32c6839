// SPDX-License-Identifier: MIT
// Unigram language model segmentation (Kudo 2018, arXiv 1804.10959): of all ways to cut a word the one whose
// pieces have the highest sum of scores.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/byte_level.h"
#include "tokenizer/subword_model.h"
#include "tokenizer/trie.h"

namespace linformer {

struct UnigramOptions {
  int32_t unknown = 0;  ///< the id of neighbouring characters without piece
  /// They are these tokens of their bytes instead, if all of them are there.
  std::optional<ByteTokens> bytes{};
  /// The score of a character without piece; unset: 10 less than the worst score.
  std::optional<double> unknown_score{};
};

class UnigramModel : public SubwordModel {
 public:
  /// tokens[i] has id i and scores[i], which is finite; an empty one is found in no text. Throws
  /// Error(kInput) naming `subject` and a token that is too long.
  UnigramModel(const std::vector<std::string>& tokens, std::vector<double> scores,
               const UnigramOptions& options, const std::string& subject);

  /// Time: the word's length times that of the longest piece; memory: 16 bytes a byte of the word.
  void append_ids(std::string_view word, std::vector<int32_t>& ids) const override;

 private:
  struct Node {
    double score = 0;    ///< of the best path that ends here
    int32_t id = -1;     ///< of its last piece; -1: no path
    uint32_t begin = 0;  ///< of its last piece
  };

  void find_best_paths(std::string_view word, std::span<Node> nodes) const;
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) const;

  Trie pieces_;
  std::vector<double> scores_;
  UnigramOptions options_;
  double unknown_score_;
};

}  // namespace linformer
