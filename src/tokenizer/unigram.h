// SPDX-License-Identifier: MIT
// Unigram language model segmentation (Kudo 2018, arXiv 1804.10959): of all ways to cut a word the one whose
// pieces have the highest sum of scores.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/subword_model.h"
#include "tokenizer/trie.h"

namespace linformer {

struct UnigramOptions {
  int32_t unknown = 0;         ///< the id of neighbouring characters without piece
  bool byte_fallback = false;  ///< they are their bytes' tokens <0x00> to <0xFF>, if all are there
};

class UnigramModel : public SubwordModel {
 public:
  /// tokens[i] has id i and scores[i], which is finite.
  UnigramModel(const std::vector<std::string>& tokens, std::vector<double> scores,
               const UnigramOptions& options);

  /// Time: the word's length times that of the longest piece; memory: 16 bytes a byte of the word. A
  /// character without piece scores 10 less than the worst piece, as SentencePiece's do.
  void append_ids(std::string_view word, std::vector<int32_t>& ids) const override;

 private:
  struct Node {
    double score = 0;    ///< of the best path that ends here
    int32_t id = -1;     ///< of its last piece; -1: no path
    uint32_t begin = 0;  ///< of its last piece
  };

  void find_best_paths(std::string_view word, std::vector<Node>& nodes) const;
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) const;

  Trie pieces_;
  std::vector<double> scores_;
  double unknown_score_;
  UnigramOptions options_;
  std::array<int32_t, 256> bytes_;
};

}  // namespace linformer
