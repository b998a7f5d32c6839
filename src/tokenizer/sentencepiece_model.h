// SPDX-License-Identifier: MIT
// A SentencePiece model file (spiece.model, sentencepiece.bpe.model, tokenizer.model), read by the library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

struct SentencePiece {
  std::string text;
  double score;
  bool control;  ///< stands for no text, as <s>
};

struct SentencePieceModel {
  std::vector<SentencePiece> pieces;  ///< by id
  int unknown = 0;                    ///< id
  bool bpe = false;                   ///< else unigram
  bool byte_fallback = false;
  std::string rules;  ///< precompiled normalisation; empty: none
};

/// Throws Error(kInput) naming `subject` if the library cannot read the bytes, Error(kUnsupported) for models
/// of words or characters.
SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& subject);

}  // namespace linformer
