// SPDX-License-Identifier: MIT
// Tokenizers of SentencePiece models and of tokenizer.json files whose model is Unigram. Errors: kInput
// naming the file, kUnsupported naming what is not known here.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tokenizer/pipeline_tokenizer.h"

namespace linformer {

Pipeline unigram_from_tokenizer_json(const nlohmann::json& root, const std::string& subject);

/// T5's, XLM-RoBERTa's, CamemBERT's, ALBERT's or Llama's tokenizer by the tokenizer_class of `config`, a
/// parsed tokenizer_config.json or null; without one, by the file's name and pieces. Text between added
/// tokens becomes the ids of the sentencepiece library. Of the configuration count add_prefix_space,
/// added_tokens_decoder, extra_ids (T5), do_lower_case and keep_accents (ALBERT), add_bos_token,
/// add_eos_token and legacy (Llama).
Pipeline pipeline_from_sentencepiece(std::string_view bytes, const std::string& subject,
                                     const nlohmann::json& config);

}  // namespace linformer
