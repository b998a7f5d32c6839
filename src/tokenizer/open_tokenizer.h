// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/tokenizer.h"

namespace linformer {

/// The small files of a checkpoint.
struct TokenizerFiles {
  std::string path;  ///< the folder or name, for messages
  /// The content of a file, or nothing if there is none; must stay valid during open_tokenizer only.
  std::function<std::optional<std::string_view>(std::string_view file_name)> file;
};

/// The tokenizer that the files describe: tokenizer.json if all its components are known; else vocab.txt
/// (WordPiece), vocab.json with merges.txt (byte-level BPE) or a SentencePiece model, each with
/// tokenizer_config.json; HACKING.md says what of it counts.
/// Throws Error(kInput) if there is no tokenizer or a file is malformed, Error(kUnsupported) naming any other
/// kind of tokenizer or component; both say how to go on without (--ids).
std::unique_ptr<Tokenizer> open_tokenizer(const TokenizerFiles& files);

constexpr std::string_view kNoTokenizer = "none";
/// The kind of tokenizer by its files alone, e.g. "WordPiece (vocab.txt)", or kNoTokenizer. Nothing is built;
/// a tokenizer.json is parsed.
std::string tokenizer_kind(const TokenizerFiles& files);

}  // namespace linformer
