// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "tokenizer/bpe.h"
#include "tokenizer/bpe_files.h"
#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"
#include "tokenizer/post_processor.h"

namespace linformer {
namespace {

using nlohmann::json;

void refuse_options(const json& model, const std::string& subject) {
  const json& dropout = member(model, "dropout");
  if (!dropout.is_null() && dropout != 0) refuse_member(subject, "model.dropout", dropout.dump(), "null");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string text = read_token(model, key, subject).value_or("");
    if (!text.empty()) refuse_member(subject, fmt::format("model.{}", key), text, "none");
  }
}

/// "a b", or ["a", "b"] in newer files.
std::pair<std::string, std::string> read_merge(const json& merge, const std::string& item,
                                               const std::string& subject) {
  if (merge.is_array() && merge.size() == 2)
    return {read_string(merge[0], item, subject), read_string(merge[1], item, subject)};
  const std::string text = read_string(merge, item, subject);
  const std::size_t space = text.find(' ');
  if (space == std::string::npos || space == 0 || space + 1 == text.size() ||
      text.find(' ', space + 1) != std::string::npos)
    reject_member(subject, item, merge, "two tokens with a space between them");
  return {text.substr(0, space), text.substr(space + 1)};
}

MergeTexts read_merges(const json& model, const std::string& subject) {
  const json& list = member(model, "merges");
  if (!list.is_array()) reject_member(subject, "model.merges", list, "an array");
  MergeTexts merges;
  merges.reserve(list.size());
  for (const json& merge : list)
    merges.push_back(read_merge(merge, fmt::format("merge {}", merges.size() + 1), subject));
  return merges;
}

}  // namespace

Pipeline bpe_from_tokenizer_json(const json& root, const std::string& subject) {
  const json& model = member(root, "model");
  refuse_options(model, subject);
  const auto flag = [&](const char* key) { return read_bool(model, key, subject).value_or(false); };
  const PreTokenizer words = read_pre_tokenizer(root, subject);
  const BpeOptions options{.byte_level = words.byte_level,
                           .ignore_merges = flag("ignore_merges"),
                           .byte_fallback = flag("byte_fallback"),
                           .fuse_unknown = flag("fuse_unk"),
                           .unknown = read_token(model, "unk_token", subject)};
  if (options.byte_level && options.byte_fallback) {
    refuse_member(subject, "byte_fallback", "true behind a ByteLevel pre-tokenizer", "one of the two");
  }
  Pipeline result{.tokens = read_token_ids(member(model, "vocab"), "model.vocab", subject),
                  .added = read_added_tokens(root, subject),
                  .normalizer = read_normalizer(root, subject),
                  .splitter = words.splitter,
                  .sequence_template = read_post_processor(root, subject),
                  .unknown = options.unknown};
  result.splitter.at_space_marks =
      !words.byte_level && !options.ignore_merges && marks_begin_tokens(result.tokens);
  result.model = std::make_unique<BpeModel>(result.tokens, read_merges(model, subject), options, subject);
  return result;
}

}  // namespace linformer
