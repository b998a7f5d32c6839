// SPDX-License-Identifier: MIT
// The components of a tokenizer.json, but for model and post-processor (huggingface/tokenizers). Each reader
// throws Error(kUnsupported) naming a component or option that is not known here, Error(kInput) for a
// malformed one.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/word_splitter.h"

namespace linformer {

/// The members of a configuration that name tokens.
inline constexpr std::array<const char*, 7> kTokenRoles = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                           "cls_token", "pad_token", "mask_token"};

/// "tokenizer_class" without the "Tokenizer" or "TokenizerFast" at its end, e.g. "Bert"; nothing if the
/// configuration does not say.
std::optional<std::string> read_tokenizer_class(const nlohmann::json& config, const std::string& subject);

/// "content" and the flags of an added token.
AddedToken read_added_token(const nlohmann::json& entry, int32_t id, const std::string& subject);

/// "added_tokens" of a tokenizer.json: an array of entries with their ids.
std::vector<AddedToken> read_added_tokens(const nlohmann::json& root, const std::string& subject);

/// "added_tokens_decoder" of a tokenizer_config.json: an object of entries by id.
std::vector<AddedToken> read_added_tokens_decoder(const nlohmann::json& config, const std::string& subject);

/// A vocabulary as an object of tokens and ids: the tokens by id, empty where no token has the id. Throws
/// Error(kInput) naming `item` and the token for ids that are negative, given twice or far beyond their
/// number.
std::vector<std::string> read_token_ids(const nlohmann::json& vocabulary, const std::string& item,
                                        const std::string& subject);

/// "normalizer": NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Replace (of a text, or of " {2,}"), Prepend,
/// Strip, Precompiled, or a Sequence of those.
Normalizer read_normalizer(const nlohmann::json& root, const std::string& subject);

struct PreTokenizer {
  WordSplitter splitter;
  bool byte_level = false;  ///< words are spelled in bytes
};

/// "pre_tokenizer": ByteLevel, alone or after a Split by a known pattern; Metaspace, alone or after
/// WhitespaceSplit; or none.
PreTokenizer read_pre_tokenizer(const nlohmann::json& root, const std::string& subject);

}  // namespace linformer
