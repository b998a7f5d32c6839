// SPDX-License-Identifier: MIT
// The two JSON files that describe a WordPiece tokenizer (huggingface/transformers, huggingface/tokenizers).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tokenizer/wordpiece.h"

namespace linformer {

/// Options from a parsed tokenizer_config.json. Throws Error(kInput) for a value of the wrong type and
/// Error(kUnsupported) for a tokenizer class or an added token that is not run as BERT's are.
WordPieceOptions wordpiece_options_from_config(const nlohmann::json& config, const std::string& subject);

struct WordPieceDescription {
  std::vector<std::string> tokens;  ///< by id
  WordPieceOptions options;
};

/// A parsed tokenizer.json whose model is WordPiece: normalizer BertNormalizer, pre-tokenizer
/// BertPreTokenizer, post-processor TemplateProcessing, BertProcessing or none. Errors as above.
WordPieceDescription wordpiece_from_tokenizer_json(const nlohmann::json& root, const std::string& subject);

}  // namespace linformer
