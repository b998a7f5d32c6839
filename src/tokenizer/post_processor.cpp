// SPDX-License-Identifier: MIT
#include "tokenizer/post_processor.h"

#include "tokenizer/json_members.h"

namespace linformer {
namespace {

using nlohmann::json;

constexpr const char* kItem = "post_processor";

/// BertProcessing and RobertaProcessing: [token, id] as "cls" and "sep".
SequenceTemplate read_pair_processing(const json& processor, const std::string& subject) {
  const auto id_of = [&](const char* key) {
    const json& pair = member(processor, key);
    if (!pair.is_array() || pair.size() != 2) reject_member(subject, key, pair, "a token and its id");
    return read_id(pair[1], key, subject);
  };
  return {{id_of("cls")}, {id_of("sep")}};
}

SequenceTemplate read_template_processing(const json& processor, const std::string& subject) {
  const std::string item = "post_processor.single";
  const json& single = member(processor, "single");
  if (!single.is_array()) reject_member(subject, item, single, "an array");
  SequenceTemplate result;
  int bodies = 0;
  for (const json& part : single) {
    const json& special = member(part, "SpecialToken");
    if (special.is_null()) {
      if (member(part, "Sequence").is_null()) reject_member(subject, item, part, "SpecialToken or Sequence");
      ++bodies;
      continue;
    }
    const std::string name = read_string(member(special, "id"), item, subject);
    const json& ids = member(member(member(processor, "special_tokens"), name), "ids");
    if (!ids.is_array()) reject_member(subject, item, part, "a token of special_tokens");
    for (const json& id : ids)
      (bodies == 0 ? result.before : result.after).push_back(read_id(id, item, subject));
  }
  if (bodies != 1) reject_member(subject, item, single, "one Sequence");
  return result;
}

SequenceTemplate read_processor(const json& processor, const std::string& subject) {
  const std::string type = type_of(processor, kItem, subject);
  if (type == "none" || type == "ByteLevel") return {};
  if (type == "BertProcessing" || type == "RobertaProcessing")
    return read_pair_processing(processor, subject);
  if (type == "TemplateProcessing") return read_template_processing(processor, subject);
  refuse_member(subject, kItem, type,
                "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or a Sequence of them");
}

}  // namespace

SequenceTemplate read_post_processor(const json& root, const std::string& subject) {
  const json& processor = member(root, kItem);
  if (type_of(processor, kItem, subject) != "Sequence") return read_processor(processor, subject);
  const json& parts = member(processor, "processors");
  if (!parts.is_array()) reject_member(subject, "post_processor.processors", parts, "an array");
  SequenceTemplate result;
  for (const json& part : parts) {
    SequenceTemplate next = read_processor(part, subject);
    if (next.added() == 0) continue;
    if (result.added() > 0) refuse_member(subject, kItem, "two templates in a Sequence", "one");
    result = std::move(next);
  }
  return result;
}

}  // namespace linformer
