// SPDX-License-Identifier: MIT
// Byte-level BPE: hostile files, long words, text in pieces.
#include "tokenizer/bpe.h"

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
using test::refusal;

namespace {

using Ids = std::vector<int32_t>;

const std::string kVocabulary =
    R"({"a": 0, "b": 1, "ab": 2, "aa": 3, "\u0120": 4, "\u0120a": 5, "<|endoftext|>": 6, "aaaa": 7})";
const std::string kMerges = "#version: 0.2\na b\na a\n\xC4\xA0 a\naa aa\n";

Folder folder(const std::string& vocabulary = kVocabulary, const std::string& merges = kMerges) {
  return {{"vocab.json", vocabulary}, {"merges.txt", merges}};
}

json whole() {
  return json::parse(R"({
    "added_tokens": [{"id": 3, "content": "<x>", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
}

}  // namespace

TEST_CASE("Pairs are merged by rank, the leftmost first, and characters without token are dropped",
          "[tokenizer]") {
  const auto tokenizer = test::open(folder());
  CHECK(tokenizer->encode("aab aaa aaaab") == Ids{0, 2, 4, 3, 0, 4, 3, 0, 2});
  CHECK(tokenizer->encode("cab\nb") == Ids{2, 1});
  CHECK(tokenizer->encode("a<|endoftext|> a") == Ids{0, 6, 5});
  CHECK(tokenizer_kind(test::files_of(folder())) == "byte-level BPE (vocab.json)");
}

TEST_CASE("A word of millions of letters takes no longer than its length asks", "[tokenizer]") {
  const std::string word(3'000'000, 'a');
  const Ids ids = test::open(folder())->encode(word);
  CHECK(ids == Ids(word.size() / 4, 7));
}

TEST_CASE("Text that is cut in pieces gives the ids of the whole", "[tokenizer]") {
  std::string text;
  Ids expected;
  while (text.size() < 3'000'000) {
    text += "ab aab a  a ";
    expected.insert(expected.end(), {2, 5, 2, 5, 4, 5, 4});
  }
  CHECK(test::open(folder())->encode(text) == expected);
}

TEST_CASE("A vocabulary or merges that cannot be are refused with the entry", "[tokenizer]") {
  const auto bad = [](const std::string& vocabulary, const std::string& merges) {
    return refusal(ErrorCode::kInput, folder(vocabulary, merges));
  };
  CHECK(contains(bad(R"({"a": 0, "b": 0})", ""), "\"a\" and \"b\""));
  CHECK(contains(bad(R"({"a": -1})", ""), "-1"));
  CHECK(contains(bad(R"({"a": 2000000000})", ""), "2000000000"));
  CHECK(contains(bad(R"({"a": 1.5})", ""), "1.5"));
  CHECK(contains(bad("[]", ""), "vocab.json"));
  CHECK(contains(bad("{}", ""), "empty"));
  CHECK(contains(bad(R"({"a": 0)", ""), "vocab.json"));
  CHECK(contains(bad(R"({"a": 0, "a": 1})", ""), "vocab.json"));
  CHECK(contains(bad(kVocabulary, "a z\n"), "merge 1: \"z\""));
  CHECK(contains(bad(kVocabulary, "b a\n"), "\"ba\""));
  CHECK(contains(bad(kVocabulary, "a b\nab\n"), "line 2"));
  CHECK(contains(bad(kVocabulary, "a  b\n"), "line 1"));
  CHECK(contains(bad(kVocabulary, "\xFF b\n"), "merges.txt"));
  CHECK(contains(refusal(ErrorCode::kInput, {{"vocab.json", kVocabulary}}), "merges.txt"));
  CHECK(test::open(folder(R"({"a": 0, "b": 9})", ""))->encode("ab") == Ids{0, 9});
}

TEST_CASE("Components of a BPE tokenizer.json that are not known are refused by name", "[tokenizer]") {
  const auto with = [](const std::string& pointer, const json& value,
                       ErrorCode code = ErrorCode::kUnsupported) {
    json changed = whole();
    changed[json::json_pointer(pointer)] = value;
    return refusal(code, {{"tokenizer.json", changed.dump()}});
  };
  CHECK(test::open({{"tokenizer.json", whole().dump()}})->encode("ab<x>b") == Ids{2, 3, 1});
  CHECK(contains(with("/pre_tokenizer/type", "Whitespace"), "Whitespace"));
  CHECK(contains(with("/normalizer", {{"type", "Nmt"}}), "Nmt"));
  CHECK(contains(with("/model/dropout", 0.1), "dropout"));
  CHECK(contains(with("/model/end_of_word_suffix", "</w>"), "</w>"));
  CHECK(contains(with("/post_processor/type", "Sandwich"), "Sandwich"));
  const json split = {{"type", "Split"}, {"pattern", {{"Regex", "\\w+"}}}, {"behavior", "Isolated"}};
  CHECK(contains(with("/pre_tokenizer", split), "w+"));
  CHECK(contains(with("/model/merges", {"a c"}, ErrorCode::kInput), "\"c\""));
  CHECK(contains(with("/model/merges", {"abc"}, ErrorCode::kInput), "merge 1"));
  CHECK(contains(with("/model/unk_token", "?", ErrorCode::kInput), "unknown token"));
  CHECK(contains(with("/added_tokens/0/id", 7, ErrorCode::kInput), "<x>"));
}

TEST_CASE("Vocabulary files are read where tokenizer.json has something unknown", "[tokenizer]") {
  json changed = whole();
  changed["pre_tokenizer"]["type"] = "Whitespace";
  Folder both = folder();
  both["tokenizer.json"] = changed.dump();
  CHECK(test::open(both)->encode("aa") == Ids{3});
  both["tokenizer_config.json"] = R"({"tokenizer_class": "CLIPTokenizer"})";
  CHECK(contains(refusal(ErrorCode::kUnsupported, both), "CLIPTokenizer"));
}

TEST_CASE("The configuration of a byte-level tokenizer counts", "[tokenizer]") {
  Folder configured = folder();
  configured["tokenizer_config.json"] = R"({"add_prefix_space": true, "add_bos_token": true})";
  CHECK(test::open(configured)->encode("a") == Ids{5});
  CHECK(test::open(configured)->sequence_template().before == Ids{6});
  configured["added_tokens.json"] = R"({"<new>": 8})";
  CHECK(test::open(configured)->encode("a<new>a") == Ids{5, 8, 5});
}
