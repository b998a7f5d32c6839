// SPDX-License-Identifier: MIT
// A SentencePiece model file (spiece.model, sentencepiece.bpe.model, tokenizer.model), read by the library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace linformer {

struct SentencePiece {
  enum class Type {
    kNormal = 1,
    kUnknown,
    kControl,
    kUserDefined,
    kUnused,
    kByte
  };  ///< as the file numbers them

  std::string text{};
  double score = 0;
  Type type = Type::kNormal;
};

struct SentencePieceModel {
  std::vector<SentencePiece> pieces;     ///< by id
  int unknown = 0;                       ///< id
  bool bpe = false;                      ///< else unigram
  bool byte_fallback = false;            ///< unknown characters are their bytes' pieces
  std::string rules;                     ///< precompiled normalisation; empty: none
  bool add_dummy_prefix = true;          ///< a space before every text
  bool remove_extra_whitespaces = true;  ///< spaces at the ends, and all but one of neighbouring ones
};

/// Throws Error(kInput) naming `subject` if the library cannot read the bytes, Error(kUnsupported) naming
/// what is not known here: models of words or characters, whitespace that is a suffix or not escaped, and
/// pieces that no model has as it was trained.
SentencePieceModel read_sentencepiece(std::string_view bytes, const std::string& subject);

}  // namespace linformer
