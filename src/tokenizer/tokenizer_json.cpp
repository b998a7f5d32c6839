// SPDX-License-Identifier: MIT
#include "tokenizer/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "io/printable.h"
#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"
#include "tokenizer/post_processor.h"

namespace linformer {
namespace {

using nlohmann::json;

/// Tokenizer classes that are BERT's, run by BertNormalizer, BertPreTokenizer and WordPiece.
constexpr std::array<std::string_view, 15> kBertClasses = {"Bert",
                                                           "DistilBert",
                                                           "Electra",
                                                           "MobileBert",
                                                           "ConvBert",
                                                           "SqueezeBert",
                                                           "Lxmert",
                                                           "Realm",
                                                           "LayoutLM",
                                                           "RetriBert",
                                                           "DPRContextEncoder",
                                                           "DPRReader",
                                                           "DPRQuestionEncoder",
                                                           "TokenizersBackend",
                                                           "PreTrained"};

/// As read_token; a token that is not named keeps its text.
void update_token(const json& config, const char* key, const std::string& subject, std::string& text) {
  if (auto found = read_token(config, key, subject)) text = std::move(*found);
}

/// Only tokens that are found in the raw text as they are written are known here.
std::vector<WordPieceOptions::Added> plain_added(const std::vector<AddedToken>& tokens,
                                                 const std::string& subject) {
  std::vector<WordPieceOptions::Added> added;
  for (const AddedToken& token : tokens) {
    const char* flag = token.single_word  ? "single_word"
                       : token.lstrip     ? "lstrip"
                       : token.rstrip     ? "rstrip"
                       : token.normalized ? "normalized"
                                          : nullptr;
    if (flag != nullptr) {
      refuse_member(subject, fmt::format("added token {}", printable(token.text)),
                    fmt::format("{} is true", flag), "false");
    }
    added.push_back({token.text, token.id, token.special});
  }
  std::sort(added.begin(), added.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return added;
}

void check_class(const json& config, const std::string& subject) {
  const auto name = read_tokenizer_class(config, subject);
  if (!name || std::find(kBertClasses.begin(), kBertClasses.end(), *name) != kBertClasses.end()) return;
  refuse_member(subject, "tokenizer_class", config["tokenizer_class"].get<std::string>(),
                "one of BERT's WordPiece tokenizers");
}

void require_type(const json& root, const char* key, std::string_view expected, const std::string& subject) {
  const std::string type = type_of(member(root, key), key, subject);
  if (type != expected) refuse_member(subject, key, type, std::string(expected));
}

BertTextOptions read_bert_normalizer(const json& root, const std::string& subject) {
  require_type(root, "normalizer", "BertNormalizer", subject);
  const json& normalizer = member(root, "normalizer");
  if (!read_bool(normalizer, "clean_text", subject).value_or(true)) {
    refuse_member(subject, "normalizer", "clean_text is false", "true");
  }
  return {.lowercase = read_bool(normalizer, "lowercase", subject).value_or(true),
          .strip_accents = read_bool(normalizer, "strip_accents", subject),
          .split_chinese = read_bool(normalizer, "handle_chinese_chars", subject).value_or(true)};
}

void read_model_options(const json& model, const std::string& subject, WordPieceOptions& options) {
  update_token(model, "unk_token", subject, options.unknown);
  update_token(model, "continuing_subword_prefix", subject, options.continuing_prefix);
  const json& most = member(model, "max_input_chars_per_word");
  if (!most.is_null()) options.max_characters = read_id(most, "model.max_input_chars_per_word", subject);
}

}  // namespace

WordPieceOptions wordpiece_options_from_config(const json& config, const std::string& subject) {
  if (!config.is_object()) reject_member(subject, "", config, "an object");
  check_class(config, subject);
  WordPieceOptions options;
  options.text.lowercase = read_bool(config, "do_lower_case", subject).value_or(true);
  options.text.strip_accents = read_bool(config, "strip_accents", subject);
  options.text.split_chinese = read_bool(config, "tokenize_chinese_chars", subject).value_or(true);
  update_token(config, "unk_token", subject, options.unknown);
  update_token(config, "cls_token", subject, options.begin);
  update_token(config, "sep_token", subject, options.end);
  update_token(config, "pad_token", subject, options.padding);
  update_token(config, "mask_token", subject, options.mask);
  options.added = plain_added(read_added_tokens_decoder(config, subject), subject);
  return options;
}

WordPieceDescription wordpiece_from_tokenizer_json(const json& root, const std::string& subject) {
  if (!root.is_object()) reject_member(subject, "", root, "an object");
  const json& model = member(root, "model");
  require_type(root, "pre_tokenizer", "BertPreTokenizer", subject);
  WordPieceDescription result;
  result.options.text = read_bert_normalizer(root, subject);
  result.tokens = read_token_ids(member(model, "vocab"), "model.vocab", subject);
  read_model_options(model, subject, result.options);
  result.options.sequence_template = read_post_processor(root, subject);
  result.options.added = plain_added(read_added_tokens(root, subject), subject);
  return result;
}

}  // namespace linformer
