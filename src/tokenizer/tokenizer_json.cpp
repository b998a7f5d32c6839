// SPDX-License-Identifier: MIT
#include "tokenizer/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "io/printable.h"

namespace linformer {
namespace {

using nlohmann::json;

constexpr const char* kIdsRemedy = "Tokenise the text elsewhere and give the ids with --ids";

/// Tokenizer classes that are BERT's, run by BertNormalizer, BertPreTokenizer and WordPiece.
constexpr std::array<std::string_view, 14> kBertClasses = {
    "Bert",  "DistilBert", "Electra",   "MobileBert",        "ConvBert",  "SqueezeBert",        "Lxmert",
    "Realm", "LayoutLM",   "RetriBert", "DPRContextEncoder", "DPRReader", "DPRQuestionEncoder", "Tokenizers"};

[[noreturn]] void refuse(const std::string& subject, std::string item, const std::string& found,
                         std::string expected) {
  throw Error(ErrorCode::kUnsupported,
              {subject, std::move(item), printable(found), std::move(expected), kIdsRemedy});
}

[[noreturn]] void reject(const std::string& subject, std::string item, const json& found,
                         std::string expected) {
  throw Error(ErrorCode::kInput,
              {subject, std::move(item), printable(found.dump()), std::move(expected), kIdsRemedy});
}

/// The member, or null if there is none.
const json& member(const json& object, const char* key) {
  static const json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

std::optional<bool> read_bool(const json& object, const char* key, const std::string& subject) {
  const json& value = member(object, key);
  if (value.is_null()) return std::nullopt;
  if (!value.is_boolean()) reject(subject, key, value, "true, false or null");
  return value.get<bool>();
}

std::string read_string(const json& value, const char* key, const std::string& subject) {
  if (!value.is_string()) reject(subject, key, value, "a string");
  return value.get<std::string>();
}

int32_t read_id(const json& value, const std::string& item, const std::string& subject) {
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  if (!value.is_number_integer() || value < 0 || value > kMax) {
    reject(subject, item, value, fmt::format("a token id, 0 to {}", kMax));
  }
  return value.get<int32_t>();
}

/// A token's text: a string, or an object whose "content" it is.
void read_token(const json& config, const char* key, const std::string& subject, std::string& text) {
  const json& value = member(config, key);
  if (value.is_null()) return;
  text = read_string(value.is_object() ? member(value, "content") : value, key, subject);
}

/// An entry of added_tokens or added_tokens_decoder. Only tokens that are found in the raw text as they are
/// written are known here.
WordPieceOptions::Added read_added(const json& entry, int32_t id, const std::string& subject) {
  const std::string text = read_string(member(entry, "content"), "added token's content", subject);
  const std::string item = fmt::format("added token {}", printable(text));
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
    if (read_bool(entry, flag, subject).value_or(false)) {
      refuse(subject, item, fmt::format("{} is true", flag), "false");
    }
  }
  return {text, id, read_bool(entry, "special", subject).value_or(false)};
}

void sort_by_id(std::vector<WordPieceOptions::Added>& added) {
  std::sort(added.begin(), added.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

void read_added_tokens_decoder(const json& config, const std::string& subject, WordPieceOptions& options) {
  const json& decoder = member(config, "added_tokens_decoder");
  if (decoder.is_null()) return;
  if (!decoder.is_object()) reject(subject, "added_tokens_decoder", decoder, "an object");
  for (const auto& [key, entry] : decoder.items()) {
    int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) {
      reject(subject, "added_tokens_decoder", json(key), "token ids as keys");
    }
    options.added.push_back(read_added(entry, id, subject));
  }
  sort_by_id(options.added);
}

void check_class(const json& config, const std::string& subject) {
  const json& value = member(config, "tokenizer_class");
  if (value.is_null()) return;
  const std::string name = read_string(value, "tokenizer_class", subject);
  std::string_view stem = name;
  for (const std::string_view suffix : {"Fast", "Tokenizer", "Backend"}) {
    if (stem.ends_with(suffix)) stem.remove_suffix(suffix.size());
  }
  const bool known =
      stem == "PreTrained" || std::find(kBertClasses.begin(), kBertClasses.end(), stem) != kBertClasses.end();
  if (!known) refuse(subject, "tokenizer_class", name, "one of BERT's WordPiece tokenizers");
}

/// The "type" of a component of tokenizer.json, "none" if it is null.
std::string type_of(const json& component, const char* key, const std::string& subject) {
  if (component.is_null()) return "none";
  return read_string(member(component, "type"), key, subject);
}

void require_type(const json& root, const char* key, std::string_view expected, const std::string& subject) {
  const std::string type = type_of(member(root, key), key, subject);
  if (type != expected) refuse(subject, key, type, std::string(expected));
}

BertTextOptions read_normalizer(const json& root, const std::string& subject) {
  require_type(root, "normalizer", "BertNormalizer", subject);
  const json& normalizer = member(root, "normalizer");
  if (!read_bool(normalizer, "clean_text", subject).value_or(true)) {
    refuse(subject, "normalizer", "clean_text is false", "true");
  }
  return {.lowercase = read_bool(normalizer, "lowercase", subject).value_or(true),
          .strip_accents = read_bool(normalizer, "strip_accents", subject),
          .split_chinese = read_bool(normalizer, "handle_chinese_chars", subject).value_or(true)};
}

std::vector<std::string> read_model_vocabulary(const json& model, const std::string& subject) {
  const json& vocab = member(model, "vocab");
  if (!vocab.is_object() || vocab.empty()) {
    throw Error(ErrorCode::kInput, {subject, "model.vocab", vocab.is_object() ? "empty" : vocab.type_name(),
                                    "an object of tokens and their ids", kIdsRemedy});
  }
  std::vector<std::string> tokens;
  const std::size_t most = 16 * vocab.size() + 65536;  // few ids may be unused
  for (const auto& [token, value] : vocab.items()) {
    const auto id = static_cast<std::size_t>(read_id(value, "model.vocab", subject));
    if (id >= most) reject(subject, "model.vocab", value, fmt::format("ids of {} tokens", vocab.size()));
    if (id >= tokens.size()) tokens.resize(id + 1);
    tokens[id] = token;
  }
  return tokens;
}

SequenceTemplate read_bert_processing(const json& processor, const std::string& subject) {
  const auto id_of = [&](const char* key) {
    const json& pair = member(processor, key);
    if (!pair.is_array() || pair.size() != 2) reject(subject, key, pair, "a token and its id");
    return read_id(pair[1], key, subject);
  };
  return {{id_of("cls")}, {id_of("sep")}};
}

SequenceTemplate read_template_processing(const json& processor, const std::string& subject) {
  constexpr const char* kItem = "post_processor.single";
  const json& single = member(processor, "single");
  if (!single.is_array()) reject(subject, kItem, single, "an array");
  SequenceTemplate result;
  int bodies = 0;
  for (const json& part : single) {
    const json& special = member(part, "SpecialToken");
    if (special.is_null()) {
      if (member(part, "Sequence").is_null()) reject(subject, kItem, part, "SpecialToken or Sequence");
      ++bodies;
      continue;
    }
    const std::string name = read_string(member(special, "id"), kItem, subject);
    const json& ids = member(member(member(processor, "special_tokens"), name.c_str()), "ids");
    if (!ids.is_array()) reject(subject, kItem, part, "a token of special_tokens");
    for (const json& id : ids)
      (bodies == 0 ? result.before : result.after).push_back(read_id(id, kItem, subject));
  }
  if (bodies != 1) reject(subject, kItem, single, "one Sequence");
  return result;
}

SequenceTemplate read_post_processor(const json& root, const std::string& subject) {
  const json& processor = member(root, "post_processor");
  const std::string type = type_of(processor, "post_processor", subject);
  if (type == "none") return {};
  if (type == "BertProcessing") return read_bert_processing(processor, subject);
  if (type == "TemplateProcessing") return read_template_processing(processor, subject);
  refuse(subject, "post_processor", type, "TemplateProcessing or BertProcessing");
}

void read_model_options(const json& model, const std::string& subject, WordPieceOptions& options) {
  read_token(model, "unk_token", subject, options.unknown);
  read_token(model, "continuing_subword_prefix", subject, options.continuing_prefix);
  const json& most = member(model, "max_input_chars_per_word");
  if (!most.is_null()) options.max_characters = read_id(most, "model.max_input_chars_per_word", subject);
}

}  // namespace

WordPieceOptions wordpiece_options_from_config(const json& config, const std::string& subject) {
  if (!config.is_object()) reject(subject, "", config, "an object");
  check_class(config, subject);
  WordPieceOptions options;
  options.text.lowercase = read_bool(config, "do_lower_case", subject).value_or(true);
  options.text.strip_accents = read_bool(config, "strip_accents", subject);
  options.text.split_chinese = read_bool(config, "tokenize_chinese_chars", subject).value_or(true);
  read_token(config, "unk_token", subject, options.unknown);
  read_token(config, "cls_token", subject, options.begin);
  read_token(config, "sep_token", subject, options.end);
  read_token(config, "pad_token", subject, options.padding);
  read_token(config, "mask_token", subject, options.mask);
  read_added_tokens_decoder(config, subject, options);
  return options;
}

WordPieceDescription wordpiece_from_tokenizer_json(const json& root, const std::string& subject) {
  if (!root.is_object()) reject(subject, "", root, "an object");
  const json& model = member(root, "model");
  require_type(root, "model", "WordPiece", subject);
  require_type(root, "pre_tokenizer", "BertPreTokenizer", subject);
  WordPieceDescription result;
  result.options.text = read_normalizer(root, subject);
  result.tokens = read_model_vocabulary(model, subject);
  read_model_options(model, subject, result.options);
  result.options.sequence_template = read_post_processor(root, subject);
  const json& added = member(root, "added_tokens");
  if (!added.is_null() && !added.is_array()) reject(subject, "added_tokens", added, "an array");
  for (const json& entry : added) {
    const int32_t id = read_id(member(entry, "id"), "added token's id", subject);
    result.options.added.push_back(read_added(entry, id, subject));
  }
  sort_by_id(result.options.added);
  return result;
}

}  // namespace linformer
