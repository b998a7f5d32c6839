// SPDX-License-Identifier: MIT
// The merges of a SentencePiece BPE, which its file does not list.
#pragma once

#include <string>
#include <vector>

#include "tokenizer/merge_table.h"
#include "tokenizer/sentencepiece_model.h"

namespace linformer {

struct PieceMerges {
  /// What merges may begin with beside the pieces: the characters of pieces that are no piece themselves,
  /// with ids from the number of pieces on.
  std::vector<std::string> characters;
  MergeTable merges;
};

/// A normal piece is merged from any two pieces or characters that make it up; pieces of higher score come
/// first. Time and memory in proportion to the pieces' length.
PieceMerges merges_of(const SentencePieceModel& model);

}  // namespace linformer
