// SPDX-License-Identifier: MIT
// BPE tokenizers out of their files. Errors: kInput naming the file and what is wrong in it, kUnsupported
// naming a component, option or tokenizer class that is not known here.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/pipeline_tokenizer.h"

namespace linformer {

/// A parsed tokenizer.json whose model is BPE.
Pipeline bpe_from_tokenizer_json(const nlohmann::json& root, const std::string& subject);

/// The files of a byte-level tokenizer of the older form; `folder` with its "/" for messages.
struct BpeFiles {
  std::string folder;
  std::string_view vocabulary;              ///< vocab.json
  std::string_view merges;                  ///< merges.txt
  std::optional<std::string_view> added{};  ///< added_tokens.json
  nlohmann::json config{};                  ///< tokenizer_config.json, or null
};

/// GPT-2's, RoBERTa's (also BART's, Longformer's) or Qwen 2's tokenizer, by tokenizer_class; without one,
/// RoBERTa's if the vocabulary has <s> and </s>, else GPT-2's. The configuration's add_prefix_space,
/// add_bos_token, *_token and added_tokens_decoder count.
Pipeline bpe_from_vocabulary(const BpeFiles& files);

}  // namespace linformer
