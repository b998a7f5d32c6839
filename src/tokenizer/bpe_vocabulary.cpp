// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "io/json.h"
#include "io/printable.h"
#include "tokenizer/bpe.h"
#include "tokenizer/bpe_files.h"
#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"
#include "tokenizer/unicode.h"

namespace linformer {
namespace {

using nlohmann::json;

enum class Family { kGpt2, kRoberta, kQwen2 };

/// Lines of two tokens; lines that begin with "#version" say nothing.
MergeTexts read_merge_lines(std::string_view text, const std::string& subject) {
  if (find_invalid_utf8(text) != std::string_view::npos) {
    throw Error(ErrorCode::kInput, {subject, "", "not UTF-8", "two tokens a line", kTokenIdsRemedy});
  }
  MergeTexts merges;
  for (int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size() ||
        line.find(' ', space + 1) != std::string_view::npos) {
      throw Error(ErrorCode::kInput, {subject, fmt::format("line {}", number), printable(line),
                                      "two tokens with a space between them", kTokenIdsRemedy});
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

Family find_family(const json& config, const std::vector<std::string>& tokens, const std::string& subject) {
  const auto has = [&](const char* token) {
    return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
  };
  const auto name = read_tokenizer_class(config, subject);
  if (!name) return has("<s>") && has("</s>") ? Family::kRoberta : Family::kGpt2;
  if (*name == "GPT2") return Family::kGpt2;
  if (*name == "Qwen2") return Family::kQwen2;
  for (const char* known : {"Roberta", "Bart", "Longformer", "LED"}) {
    if (*name == known) return Family::kRoberta;
  }
  refuse_member(subject, "tokenizer_class", config["tokenizer_class"].get<std::string>(),
                "GPT2Tokenizer, RobertaTokenizer or Qwen2Tokenizer");
}

/// The texts of the special tokens: the family's, as far as the configuration has no others.
json special_tokens_of(Family family) {
  if (family == Family::kRoberta) {
    return {{"bos_token", "<s>"},
            {"eos_token", "</s>"},
            {"unk_token", "<unk>"},
            {"sep_token", "</s>"},
            {"cls_token", "<s>"},
            {"pad_token", "<pad>"},
            {"mask_token", {{"content", "<mask>"}, {"lstrip", true}}}};
  }
  return {{"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}, {"unk_token", "<|endoftext|>"}};
}

/// Tokens of added_tokens.json: an object of texts and ids.
void read_plain_added(const json& list, const std::string& subject, std::vector<AddedToken>& added) {
  if (!list.is_object()) reject_member(subject, "", list, "an object of tokens and their ids");
  for (const auto& [text, id] : list.items())
    added.push_back({.text = text, .id = read_id(id, text, subject)});
}

/// Special tokens that are in the vocabulary are found in raw text.
void add_special_tokens(const json& special, const std::string& subject, Pipeline& pipeline) {
  for (const char* role : kTokenRoles) {
    const json& value = member(special, role);
    if (value.is_null()) continue;
    const json entry = value.is_object() ? value : json{{"content", value}};
    AddedToken token = read_added_token(entry, 0, subject);
    token.special = true;
    token.normalized = false;
    const auto same = [&](const AddedToken& other) { return other.text == token.text; };
    const auto known = std::find(pipeline.tokens.begin(), pipeline.tokens.end(), token.text);
    if (token.text.empty() || known == pipeline.tokens.end()) continue;
    if (std::any_of(pipeline.added.begin(), pipeline.added.end(), same)) continue;
    token.id = static_cast<int32_t>(known - pipeline.tokens.begin());
    pipeline.added.push_back(std::move(token));
  }
}

int32_t require_token(const json& special, const char* role, const Pipeline& pipeline,
                      const std::string& subject) {
  const std::string text = read_token(special, role, subject).value_or("");
  for (const AddedToken& token : pipeline.added) {
    if (token.text == text) return token.id;
  }
  throw Error(ErrorCode::kInput,
              {subject, role, printable(text), "a token of the vocabulary", kTokenIdsRemedy});
}

}  // namespace

Pipeline bpe_from_vocabulary(const BpeFiles& files) {
  const std::string vocabulary_name = files.folder + "vocab.json";
  const std::string config_name = files.folder + "tokenizer_config.json";
  const std::string merges_name = files.folder + "merges.txt";
  Pipeline result{
      .tokens = read_token_ids(parse_json(files.vocabulary, vocabulary_name), "vocabulary", vocabulary_name)};
  const Family family = find_family(files.config, result.tokens, config_name);
  result.model = std::make_unique<BpeModel>(result.tokens, read_merge_lines(files.merges, merges_name),
                                            BpeOptions{.byte_level = true}, merges_name);
  json special = special_tokens_of(family);
  for (const char* role : kTokenRoles) {
    if (!member(files.config, role).is_null()) special[role] = files.config[role];
  }
  result.added = read_added_tokens_decoder(files.config, config_name);
  if (files.added && result.added.empty()) {
    const std::string name = files.folder + "added_tokens.json";
    read_plain_added(parse_json(*files.added, name), name, result.added);
  }
  add_special_tokens(special, config_name, result);
  result.unknown = read_token(special, "unk_token", config_name);
  result.mask = read_token(special, "mask_token", config_name);
  result.padding = read_token(special, "pad_token", config_name);

  result.splitter.pattern = family == Family::kQwen2 ? WordPattern::kQwen2 : WordPattern::kGpt2;
  result.splitter.prefix_space = read_bool(files.config, "add_prefix_space", config_name).value_or(false);
  if (family == Family::kQwen2) result.normalizer.add(normal_form(NormalForm::kNfc));
  if (family == Family::kRoberta) {
    result.sequence_template = {{require_token(special, "cls_token", result, config_name)},
                                {require_token(special, "sep_token", result, config_name)}};
  } else if (read_bool(files.config, "add_bos_token", config_name).value_or(false)) {
    result.sequence_template.before = {require_token(special, "bos_token", result, config_name)};
  }
  return result;
}

}  // namespace linformer
