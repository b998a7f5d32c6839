// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"
#include "tokenizer/post_processor.h"
#include "tokenizer/sentencepiece_files.h"
#include "tokenizer/unigram.h"

namespace linformer {

using nlohmann::json;

Pipeline unigram_from_tokenizer_json(const json& root, const std::string& subject) {
  const json& model = member(root, "model");
  const json& vocabulary = member(model, "vocab");
  if (!vocabulary.is_array() || vocabulary.empty())
    reject_member(subject, "model.vocab", vocabulary.type_name(), "an array of tokens with their scores");
  const PreTokenizer words = read_pre_tokenizer(root, subject);
  if (words.byte_level)
    refuse_member(subject, "pre_tokenizer", "ByteLevel", "Metaspace with a Unigram model");
  Pipeline result{.tokens = {},
                  .added = read_added_tokens(root, subject),
                  .normalizer = read_normalizer(root, subject),
                  .splitter = words.splitter,
                  .sequence_template = read_post_processor(root, subject)};
  std::vector<double> scores;
  for (const json& entry : vocabulary) {
    const std::string item = fmt::format("model.vocab {}", result.tokens.size());
    if (!entry.is_array() || entry.size() != 2 || !entry[1].is_number())
      reject_member(subject, item, entry, "a token and its score");
    result.tokens.push_back(read_string(entry[0], item, subject));
    scores.push_back(entry[1].get<double>());
  }
  const int32_t unknown = read_id(member(model, "unk_id"), "model.unk_id", subject);
  if (static_cast<std::size_t>(unknown) >= result.tokens.size())
    reject_member(subject, "model.unk_id", unknown, fmt::format("ids of {} tokens", result.tokens.size()));
  const bool fallback = read_bool(model, "byte_fallback", subject).value_or(false);
  result.unknown = result.tokens[static_cast<std::size_t>(unknown)];
  result.model = std::make_unique<UnigramModel>(
      result.tokens, std::move(scores),
      UnigramOptions{.unknown = unknown,
                     .bytes = fallback ? std::optional(find_byte_tokens(result.tokens)) : std::nullopt},
      subject);
  return result;
}

}  // namespace linformer
