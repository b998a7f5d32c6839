// SPDX-License-Identifier: MIT
// SentencePiece models and Unigram: hostile files, configurations, text in pieces.
#include <string>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "places.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/folder.h"
#include "tokenizer/sentencepiece_bytes.h"

using namespace linformer;
using nlohmann::json;
using test::contains;
using test::Folder;
using test::refusal;

namespace {

using Ids = std::vector<int32_t>;

const std::string kFixtures = fixtures() + "/subwords/";

std::string t5() { return read_text(kFixtures + "t5/spiece.model"); }

json whole() { return parse_json(read_text(kFixtures + "t5-json/tokenizer.json"), "t5"); }

}  // namespace

TEST_CASE("Without a configuration the kind follows from the model file", "[tokenizer]") {
  const auto first = test::open({{"spiece.model", t5()}});
  CHECK(first->vocabulary_size() == 500);
  CHECK(first->sequence_template().after == Ids{1});
  CHECK(first->token(499) == "<extra_id_0>");
  const auto albert = test::open({{"spiece.model", read_text(kFixtures + "albert/spiece.model")}});
  CHECK(albert->sequence_template().before == Ids{2});
  const auto xlm =
      test::open({{"sentencepiece.bpe.model", read_text(kFixtures + "xlm-roberta/sentencepiece.bpe.model")}});
  CHECK(xlm->special_tokens().mask == 401);
  const auto llama = test::open({{"tokenizer.model", read_text(kFixtures + "llama/tokenizer.model")}});
  CHECK(llama->sequence_template().before == Ids{1});
}

TEST_CASE("The configuration of a SentencePiece tokenizer counts", "[tokenizer]") {
  const auto with = [](const char* model, const std::string& file, const std::string& config) {
    return test::open({{file, read_text(kFixtures + model + "/" + file)}, {"tokenizer_config.json", config}});
  };
  CHECK(with("t5", "spiece.model", R"({"extra_ids": 0})")->vocabulary_size() == 400);
  const auto llama = with("llama", "tokenizer.model", R"({"add_bos_token": false, "add_eos_token": true})");
  CHECK(llama->sequence_template().before.empty());
  CHECK(llama->sequence_template().after == Ids{2});
  const auto padded = with("llama", "tokenizer.model", R"({"added_tokens_decoder": {
      "600": {"content": "<pad>", "special": true}, "1": {"content": "<s>", "special": true, "rstrip": true}}})");
  CHECK(padded->vocabulary_size() == 601);
  CHECK(padded->encode("<pad><s> <pad>") == Ids{600, 1, 600});
  const auto cased = with("albert", "spiece.model", R"({"do_lower_case": false})");
  const auto uncased = with("albert", "spiece.model", "{}");
  CHECK(cased->encode("The") != uncased->encode("The"));
  CHECK(uncased->encode("The") == uncased->encode("th\xC3\xA9"));
}

TEST_CASE("A damaged SentencePiece model is refused or read, never more", "[tokenizer]") {
  const std::string good = t5();
  for (std::size_t size = 0; size < good.size(); size += 97) {
    try {
      test::open({{"spiece.model", good.substr(0, size)}})->encode("The end");
    } catch (const Error& error) {
      CHECK(contains(error.what(), "model/spiece.model"));
      CHECK(error.code() != ErrorCode::kInternal);
    }
  }
  CHECK(contains(refusal(ErrorCode::kInput, {{"spiece.model", ""}}), "model/spiece.model"));
  CHECK(contains(refusal(ErrorCode::kInput, {{"spiece.model", good.substr(0, 4000)}}), "spiece.model"));
  CHECK(contains(refusal(ErrorCode::kInput, {{"tokenizer.model", "no model at all"}}), "tokenizer.model"));
  const Folder other = {{"spiece.model", good},
                        {"tokenizer_config.json", R"({"tokenizer_class": "XLNetTokenizer"})"}};
  CHECK(contains(refusal(ErrorCode::kUnsupported, other), "XLNetTokenizer"));
  const Folder wrong = {{"spiece.model", good},
                        {"tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer"})"}};
  CHECK(contains(refusal(ErrorCode::kUnsupported, wrong), "unigram"));
}

TEST_CASE("Parts of a Unigram tokenizer.json that cannot be are refused by name", "[tokenizer]") {
  const auto with = [](const std::string& pointer, const json& value, ErrorCode code = ErrorCode::kInput) {
    json changed = whole();
    changed[json::json_pointer(pointer)] = value;
    return refusal(code, {{"tokenizer.json", changed.dump()}});
  };
  CHECK(contains(with("/model/vocab", json::object()), "model.vocab"));
  CHECK(contains(with("/model/vocab/7", {"a"}), "model.vocab 7"));
  CHECK(contains(with("/model/unk_id", 4000), "unk_id"));
  CHECK(contains(with("/normalizer/precompiled_charsmap", "AAA*"), "base 64"));
  CHECK(contains(with("/normalizer/precompiled_charsmap", "AAAA"), "trie"));
  CHECK(contains(with("/normalizer/precompiled_charsmap", "/////w=="), "trie"));
  CHECK(contains(with("/normalizer/type", "Nmt", ErrorCode::kUnsupported), "Nmt"));
  const json metaspace = {{"type", "Metaspace"}, {"replacement", "_"}};
  CHECK(contains(with("/pre_tokenizer", metaspace, ErrorCode::kUnsupported), "U+2581"));
}

TEST_CASE("Long words and texts give the ids of their parts", "[tokenizer]") {
  for (const char* kind : {"t5-json", "llama-json", "llama-legacy-json", "xlm-roberta-json"}) {
    INFO(kind);
    const auto tokenizer = test::open({{"tokenizer.json", read_text(kFixtures + kind + "/tokenizer.json")}});
    const std::string sentence = " The caf\xC3\xA9 was in 9,5  the \xF0\x9F\x98\x80 house <s>, and";
    const Ids ids = tokenizer->encode("x" + sentence + sentence);
    const Ids one = tokenizer->encode("x" + sentence);
    const Ids more(ids.begin() + std::ssize(one), ids.end());
    std::string text = "x" + sentence;
    Ids expected = one;
    while (text.size() < 2'500'000) {
      text += sentence;
      expected.insert(expected.end(), more.begin(), more.end());
    }
    CHECK(tokenizer->encode(text) == expected);
    CHECK(tokenizer->encode(std::string(2'000'000, 'q')).size() > 100'000);
  }
}

TEST_CASE("Settings of a model file that are not run are refused by name", "[tokenizer]") {
  const auto with = [](const std::string& setting) {
    return refusal(ErrorCode::kUnsupported, {{"spiece.model", t5() + setting}});
  };
  CHECK(contains(with(test::normalizer_bytes(5, 0)), "escape_whitespaces"));
  CHECK(contains(with(test::trainer_bytes(24, 1)), "treat_whitespace_as_suffix"));
  CHECK(contains(with(test::trainer_bytes(3, 4)), "model_type"));
  CHECK(contains(with(test::piece_bytes("a b", 0, 4)), "piece 400"));
  const std::string unused = test::bpe_bytes(test::piece_bytes("a") + test::piece_bytes("b", 0, 5));
  CHECK(contains(refusal(ErrorCode::kUnsupported, {{"tokenizer.model", unused}}), "unused"));
}

TEST_CASE("Settings of a model file that are the usual ones change nothing", "[tokenizer]") {
  const std::string usual = test::normalizer_bytes(3, 1) + test::normalizer_bytes(4, 1) +
                            test::normalizer_bytes(5, 1) + test::trainer_bytes(24, 0);
  const std::string text = " The  caf\xC3\xA9\t(a) ";
  CHECK(test::open({{"spiece.model", t5() + usual}})->encode(text) ==
        test::open({{"spiece.model", t5()}})->encode(text));
}

TEST_CASE("Pieces of a BPE are merged by score, not by their place in the file", "[tokenizer]") {
  const auto ids = [](float ab, float bc) {
    const std::string pieces = test::piece_bytes("ab", ab) + test::piece_bytes("bc", bc) +
                               test::piece_bytes("a", -9) + test::piece_bytes("b", -9) +
                               test::piece_bytes("c", -9);
    const std::string model = test::bpe_bytes(pieces) + test::normalizer_bytes(3, 0);
    return test::open({{"tokenizer.model", model}})->encode("abc");
  };
  CHECK(ids(-1, -2) == Ids{3, 7});
  CHECK(ids(-2, -1) == Ids{5, 4});
  CHECK(ids(-1, -1) == Ids{3, 7});  // the leftmost
}
