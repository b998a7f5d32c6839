// SPDX-License-Identifier: MIT
#include "tokenizer/components_json.h"
#include "tokenizer/json_members.h"

namespace linformer {
namespace {

using nlohmann::json;

constexpr const char* kItem = "pre_tokenizer";

void read_byte_level(const json& component, const std::string& subject, PreTokenizer& result) {
  const bool prefix = read_bool(component, "add_prefix_space", subject).value_or(true);
  const bool split = read_bool(component, "use_regex", subject).value_or(true);
  const bool has_words = result.splitter.pattern != WordPattern::kNone;
  if (has_words && (prefix || split)) {
    refuse_member(subject, kItem, "ByteLevel with a pattern or prefix of its own after a Split",
                  "add_prefix_space and use_regex false");
  }
  if (split) result.splitter.pattern = WordPattern::kGpt2;
  result.splitter.prefix_space = prefix;
  result.byte_level = true;
}

void read_split(const json& component, const std::string& subject, PreTokenizer& result) {
  const std::string behavior = read_string(member(component, "behavior"), "pre_tokenizer.behavior", subject);
  if (behavior != "Isolated") refuse_member(subject, "pre_tokenizer.behavior", behavior, "Isolated");
  if (read_bool(component, "invert", subject).value_or(false))
    refuse_member(subject, "pre_tokenizer.invert", "true", "false");
  const json& expression = member(member(component, "pattern"), "Regex");
  const std::string text = read_string(expression, "pre_tokenizer.pattern", subject);
  const auto pattern = find_word_pattern(text);
  if (!pattern) {
    refuse_member(subject, "pre_tokenizer.pattern", text, "the pattern of GPT-2, Llama 3 or Qwen 2");
  }
  result.splitter.pattern = *pattern;
}

Metaspace::Prepend read_prepend(const json& component, const std::string& subject) {
  const json& scheme = member(component, "prepend_scheme");
  if (scheme.is_null()) {  // older files
    const bool prepend = read_bool(component, "add_prefix_space", subject).value_or(true);
    return prepend ? Metaspace::Prepend::kAlways : Metaspace::Prepend::kNever;
  }
  const std::string name = read_string(scheme, "pre_tokenizer.prepend_scheme", subject);
  if (name == "always") return Metaspace::Prepend::kAlways;
  if (name == "first") return Metaspace::Prepend::kFirst;
  if (name == "never") return Metaspace::Prepend::kNever;
  refuse_member(subject, "pre_tokenizer.prepend_scheme", name, "always, first or never");
}

void read_metaspace(const json& component, const std::string& subject, PreTokenizer& result) {
  const std::string mark =
      read_string(member(component, "replacement"), "pre_tokenizer.replacement", subject);
  if (mark != kSpaceMark) refuse_member(subject, "pre_tokenizer.replacement", mark, "U+2581");
  result.splitter.metaspace = {.prepend = read_prepend(component, subject),
                               .split = read_bool(component, "split", subject).value_or(true)};
}

void read_component(const json& component, const std::string& subject, PreTokenizer& result) {
  const std::string type = type_of(component, kItem, subject);
  const WordSplitter& splitter = result.splitter;
  const bool after_words = splitter.pattern != WordPattern::kNone;
  const bool after_spaces = splitter.at_white_space;
  const bool last = result.byte_level || splitter.metaspace;
  if (type == "ByteLevel" && !last && !after_spaces) return read_byte_level(component, subject, result);
  if (type == "Split" && !last && !after_words && !after_spaces)
    return read_split(component, subject, result);
  if (type == "Metaspace" && !last && !after_words) return read_metaspace(component, subject, result);
  if (type == "WhitespaceSplit" && !last && !after_words) {
    result.splitter.at_white_space = true;
    return;
  }
  refuse_member(subject, kItem, type,
                "ByteLevel, alone or after one Split; Metaspace, alone or after WhitespaceSplit; or none");
}

}  // namespace

PreTokenizer read_pre_tokenizer(const json& root, const std::string& subject) {
  PreTokenizer result;
  const json& component = member(root, kItem);
  const std::string type = type_of(component, kItem, subject);
  if (type == "none") return result;
  if (type != "Sequence") {
    read_component(component, subject, result);
  } else {
    const json& parts = member(component, "pretokenizers");
    if (!parts.is_array()) reject_member(subject, "pre_tokenizer.pretokenizers", parts, "an array");
    for (const json& part : parts) read_component(part, subject, result);
  }
  if (result.splitter.pattern != WordPattern::kNone && !result.byte_level)
    refuse_member(subject, kItem, "Split alone", "ByteLevel after it");
  return result;
}

}  // namespace linformer
