// SPDX-License-Identifier: MIT
#include "tokenizer/open_tokenizer.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "io/json.h"
#include "tokenizer/folder.h"

using namespace linformer;
using nlohmann::json;
using test::contains;
using test::Folder;
using test::open;
using test::refusal;

namespace {

using Ids = std::vector<int32_t>;

const std::string kVocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nA\ne\n";

json whole_tokenizer() {
  return json::parse(R"({
    "added_tokens": [{"id": 4, "content": "[MASK]", "special": true, "lstrip": false, "normalized": false},
                     {"id": 6, "content": "<x>", "special": false}],
    "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                   "strip_accents": null, "lowercase": false},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
      "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2]}, "[SEP]": {"id": "[SEP]", "ids": [3]}}},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 3,
              "vocab": {"[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5, "##a": 0}}})");
}

}  // namespace

TEST_CASE("A vocabulary alone is read as an uncased BERT's", "[tokenizer]") {
  const auto tokenizer = open({{"vocab.txt", kVocab}});
  CHECK(tokenizer->encode("A \xC3\xA9") == Ids{5, 7});
  CHECK(tokenizer->special_tokens().mask == 4);
}

TEST_CASE("The configuration sets case and the names of special tokens", "[tokenizer]") {
  const auto cased = open({{"vocab.txt", kVocab}, {"tokenizer_config.json", R"({"do_lower_case": false})"}});
  CHECK(cased->encode("A \xC3\xA9") == Ids{6, 1});
  const std::string config =
      R"({"cls_token": "<s>", "sep_token": {"content": "</s>", "lstrip": false}, "strip_accents": null,
          "tokenizer_class": "BertTokenizerFast",
          "added_tokens_decoder": {"5": {"content": "<t>", "special": true}}})";
  const auto named = open({{"vocab.txt", "[UNK]\n<s>\n</s>\na\n<m>"}, {"tokenizer_config.json", config}});
  CHECK(named->sequence_template().before == Ids{1});
  CHECK(named->sequence_template().after == Ids{2});
  CHECK(named->encode("a<t></s>") == Ids{3, 5, 2});
  CHECK_FALSE(named->special_tokens().mask.has_value());
}

TEST_CASE("tokenizer.json is read where there is one, with a vocabulary beside it or without",
          "[tokenizer]") {
  const std::string whole = whole_tokenizer().dump();
  for (const Folder& folder :
       {Folder{{"tokenizer.json", whole}}, Folder{{"tokenizer.json", whole}, {"vocab.txt", kVocab}},
        Folder{{"tokenizer.json", whole}, {"tokenizer_config.json", "{}"}}}) {
    const auto tokenizer = open(folder);
    CHECK(tokenizer->encode("aaa A aaaa a[MASK]<x>") == Ids{5, 0, 0, 1, 1, 5, 4, 6});
    CHECK(tokenizer->sequence_template().before == Ids{2});
    CHECK(tokenizer->sequence_template().after == Ids{3});
    CHECK(tokenizer->special_tokens().mask == 4);
    CHECK_FALSE(tokenizer->special_tokens().contains(6));
  }
}

TEST_CASE("BertProcessing gives the template too, and none gives an empty one", "[tokenizer]") {
  json whole = whole_tokenizer();
  whole["post_processor"] =
      json::parse(R"({"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]})");
  CHECK(open({{"tokenizer.json", whole.dump()}})->sequence_template().after == Ids{3});
  whole["post_processor"] = nullptr;
  whole["model"].erase("type");  // as older files
  CHECK(open({{"tokenizer.json", whole.dump()}})->sequence_template().added() == 0);
}

TEST_CASE("Components of tokenizer.json that are not BERT's are refused by name", "[tokenizer]") {
  const auto with = [](const std::string& pointer, const json& value) {
    json whole = whole_tokenizer();
    whole[json::json_pointer(pointer)] = value;
    return refusal(ErrorCode::kUnsupported, {{"tokenizer.json", whole.dump()}});
  };
  CHECK(contains(with("/model/type", "WordLevel"), "WordLevel"));
  CHECK(contains(with("/normalizer/type", "NFKC"), "NFKC"));
  CHECK(contains(with("/normalizer", nullptr), "normalizer: none"));
  CHECK(contains(with("/normalizer/clean_text", false), "clean_text"));
  CHECK(contains(with("/pre_tokenizer/type", "Metaspace"), "Metaspace"));
  CHECK(contains(with("/post_processor/type", "Sandwich"), "Sandwich"));
  CHECK(contains(with("/added_tokens/0/lstrip", true), "[MASK]"));
  CHECK(contains(with("/model/type", "WordLevel"), "--ids"));
}

TEST_CASE("A malformed tokenizer.json is refused with the place", "[tokenizer]") {
  const auto with = [](const std::string& pointer, const json& value) {
    json whole = whole_tokenizer();
    whole[json::json_pointer(pointer)] = value;
    return refusal(ErrorCode::kInput, {{"tokenizer.json", whole.dump()}});
  };
  CHECK(contains(with("/model/vocab", json::object()), "model.vocab"));
  CHECK(contains(with("/model/vocab/a", -1), "model.vocab"));
  CHECK(contains(with("/model/vocab/a", 2000000000), "model.vocab"));
  CHECK(contains(with("/model/vocab/a", "x"), "model.vocab"));
  CHECK(contains(with("/model/unk_token", "<unk>"), "<unk>"));
  CHECK(contains(with("/post_processor/single", json::array()), "one Sequence"));
  CHECK(contains(with("/post_processor/special_tokens", json::object()), "post_processor.single"));
  CHECK(contains(with("/added_tokens/1/id", 99), "<x>"));
  CHECK(contains(with("/normalizer/lowercase", "yes"), "lowercase"));
  CHECK(contains(refusal(ErrorCode::kInput, {{"tokenizer.json", "{"}}), "model/tokenizer.json"));
  CHECK(contains(refusal(ErrorCode::kInput, {{"tokenizer.json", "[]"}}), "model/tokenizer.json"));
}

TEST_CASE("Without a tokenizer the message tells the way out", "[tokenizer]") {
  CHECK(contains(refusal(ErrorCode::kInput, {}), "--ids"));
  CHECK(contains(refusal(ErrorCode::kInput, {{"tokenizer_config.json", "{}"}}), "vocab.txt"));
  CHECK(contains(refusal(ErrorCode::kUnsupported, {{"bpe.codes", ""}}), "fastBPE"));
}

TEST_CASE("A tokenizer class that is not BERT's and wrong values are refused", "[tokenizer]") {
  const auto with = [](ErrorCode code, const std::string& config) {
    return refusal(code, {{"vocab.txt", kVocab}, {"tokenizer_config.json", config}});
  };
  CHECK(
      contains(with(ErrorCode::kUnsupported, R"({"tokenizer_class": "BertJapaneseTokenizer"})"), "Japanese"));
  CHECK(contains(with(ErrorCode::kInput, R"({"do_lower_case": 1})"), "do_lower_case"));
  CHECK(contains(with(ErrorCode::kInput, R"({"unk_token": 1})"), "unk_token"));
  CHECK(contains(with(ErrorCode::kInput, R"({"added_tokens_decoder": {"x": {"content": "y"}}})"),
                 "added_tokens"));
  CHECK(contains(with(ErrorCode::kInput, "[]"), "tokenizer_config.json"));
  CHECK(contains(with(ErrorCode::kInput, R"({"cls_token": "<s>"})"), "vocab.txt"));
}

TEST_CASE("special_tokens_map.json names the tokens of folders without added_tokens_decoder", "[tokenizer]") {
  const std::string map = R"({"cls_token": "A", "mask_token": {"content": "e", "lstrip": false}})";
  const auto alone = open({{"vocab.txt", kVocab}, {"special_tokens_map.json", map}});
  CHECK(alone->sequence_template().before == Ids{6});
  CHECK(alone->special_tokens().mask == 7);
  const auto both = open({{"vocab.txt", kVocab},
                          {"special_tokens_map.json", map},
                          {"tokenizer_config.json", R"({"cls_token": "a", "sep_token": "a"})"}});
  CHECK(both->sequence_template().before == Ids{6});
  CHECK(both->sequence_template().after == Ids{5});
  const auto newer = open({{"vocab.txt", kVocab},
                           {"special_tokens_map.json", map},
                           {"tokenizer_config.json", R"({"cls_token": "a", "added_tokens_decoder": {}})"}});
  CHECK(newer->sequence_template().before == Ids{5});
  CHECK(contains(refusal(ErrorCode::kInput, {{"vocab.txt", kVocab}, {"special_tokens_map.json", "[]"}}),
                 "special_tokens_map.json"));
  const auto roberta = open({{"vocab.json", R"({"[B]": 0, "[E]": 1, "<s>": 2, "</s>": 3})"},
                             {"merges.txt", ""},
                             {"special_tokens_map.json", R"({"cls_token": "[B]", "sep_token": "[E]"})"}});
  CHECK(roberta->sequence_template().before == Ids{0});
  CHECK(roberta->sequence_template().after == Ids{1});
}

TEST_CASE("An added token whose text is there already keeps that id, as in the tokenizers library",
          "[tokenizer]") {
  json tokenizer = json::parse(R"({
    "model": {"type": "BPE", "vocab": {"c": 0, "a": 1, "t": 2, "e": 3}, "merges": []},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "added_tokens": [{"id": 4, "content": "cat"}, {"id": 5, "content": "cat"}, {"id": 5, "content": "e"}]})");
  CHECK(open({{"tokenizer.json", tokenizer.dump()}})->encode("cate") == Ids{4, 3});
}
