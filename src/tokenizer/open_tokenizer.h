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

/// Which file tells the tokenizer; all empty: none.
struct TokenizerChoice {
  std::string_view file;  ///< e.g. "vocab.txt"
  std::string_view kind;  ///< e.g. "WordPiece"; empty where only the content of the file tells it
  bool supported = false;
};

/// The choice of open_tokenizer, by the names of the files alone.
TokenizerChoice choose_tokenizer(const TokenizerFiles& files);

/// The tokenizer that the files describe. WordPiece from vocab.txt with tokenizer_config.json
/// (do_lower_case, strip_accents, tokenize_chinese_chars, *_token, added_tokens_decoder; without it, BERT's
/// defaults), or from tokenizer.json where vocab.txt or its configuration is missing.
/// Throws Error(kInput) if there is no tokenizer or a file is malformed, Error(kUnsupported) naming any other
/// kind of tokenizer or component; both say how to go on without (--ids).
std::unique_ptr<Tokenizer> open_tokenizer(const TokenizerFiles& files);

}  // namespace linformer
