// SPDX-License-Identifier: MIT
#include "tokenizer/charsmap.h"
#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"

namespace linformer {
namespace {

using nlohmann::json;

constexpr const char* kItem = "normalizer";

Normalizer::Step read_replace(const json& component, const std::string& subject) {
  const std::string content = read_string(member(component, "content"), "normalizer.content", subject);
  const json& pattern = member(component, "pattern");
  const json& text = member(pattern, "String");
  if (text.is_string() && !text.get<std::string>().empty())
    return replacing(text.get<std::string>(), content);
  const std::string expression = read_string(member(pattern, "Regex"), "normalizer.pattern", subject);
  if (expression != " {2,}") refuse_member(subject, "normalizer.pattern", expression, "\" {2,}\" or a text");
  return space_collapsing(content);
}

Normalizer::Step read_step(const json& component, const std::string& type, const std::string& subject) {
  const auto flag = [&](const char* key) { return read_bool(component, key, subject).value_or(true); };
  if (type == "NFC") return normal_form(NormalForm::kNfc);
  if (type == "NFD") return normal_form(NormalForm::kNfd);
  if (type == "NFKC") return normal_form(NormalForm::kNfkc);
  if (type == "NFKD") return normal_form(NormalForm::kNfkd);
  if (type == "Lowercase") return lower_casing();
  if (type == "StripAccents") return mark_dropping();
  if (type == "Replace") return read_replace(component, subject);
  if (type == "Prepend")
    return prepending(read_string(member(component, "prepend"), "normalizer.prepend", subject));
  if (type == "Precompiled") {
    const json& rules = member(component, "precompiled_charsmap");
    return charsmap_step(
        decode_base64(read_string(rules, "normalizer.precompiled_charsmap", subject), subject), subject);
  }
  if (type == "Strip") return stripping(flag("strip_left"), flag("strip_right"));
  refuse_member(subject, kItem, type,
                "NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Replace, Prepend, Strip, Precompiled or a "
                "Sequence of them");
}

void add_steps(const json& component, const std::string& subject, Normalizer& normalizer) {
  const std::string type = type_of(component, kItem, subject);
  if (type == "none") return;
  if (type != "Sequence") return normalizer.add(read_step(component, type, subject));
  const json& parts = member(component, "normalizers");
  if (!parts.is_array()) reject_member(subject, "normalizer.normalizers", parts, "an array");
  for (const json& part : parts) add_steps(part, subject, normalizer);
}

}  // namespace

Normalizer read_normalizer(const json& root, const std::string& subject) {
  Normalizer normalizer;
  add_steps(member(root, kItem), subject, normalizer);
  return normalizer;
}

}  // namespace linformer
