// SPDX-License-Identifier: MIT
// Tokenizers other than WordPiece against what transformers or the sentencepiece library made of the same
// files and texts (tests/oracle/subwords.py).
#include <filesystem>
#include <string>
#include <vector>

#include "catch.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "places.h"
#include "tokenizer/folder.h"

using namespace linformer;
using nlohmann::json;
using test::Folder;

namespace {

using Ids = std::vector<int32_t>;

const std::string kFixtures = fixtures() + "/subwords/";

json read_json(const std::string& file) { return parse_json(read_text(kFixtures + file), file); }

Folder folder_of(const std::string& kind) {
  Folder folder;
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures + kind)) {
    folder[entry.path().filename().string()] = read_text(entry.path().string());
  }
  return folder;
}

void check_ids(const Tokenizer& tokenizer, const json& recorded) {
  const json texts = read_json("texts.json");
  REQUIRE(texts.size() == recorded.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    INFO(texts[i].dump(-1, ' ', true));
    const auto ids = recorded[i].get<Ids>();
    CHECK(tokenizer.encode(texts[i].get<std::string>()) == ids);
    Ids first;
    tokenizer.append_ids(texts[i].get<std::string>(), 2, first);
    CHECK(first == Ids(ids.begin(), ids.begin() + std::min<std::ptrdiff_t>(2, std::ssize(ids))));
  }
}

void check_kind(const std::string& kind) {
  INFO(kind);
  const json recorded = read_json(kind + "/ids.json");
  Folder folder = folder_of(kind);
  const auto tokenizer = test::open(folder);
  CHECK(tokenizer->sequence_template().before == recorded.at("before").get<Ids>());
  CHECK(tokenizer->sequence_template().after == recorded.at("after").get<Ids>());
  CHECK(tokenizer->vocabulary_size() == recorded.at("size").get<int64_t>());
  check_ids(*tokenizer, recorded.at("ids"));
  for (const json& variant : recorded.value("variants", json::array())) {
    INFO(variant.at("config").dump());
    folder["tokenizer_config.json"] = variant.at("config").dump();
    check_ids(*test::open(folder), variant.at("ids"));
  }
}

}  // namespace

TEST_CASE("Byte-level BPE gives the ids of transformers", "[tokenizer]") {
  for (const char* kind : {"gpt2", "roberta", "roberta-json", "llama3-json", "qwen2-json"}) check_kind(kind);
}

TEST_CASE("SentencePiece models give the ids of the sentencepiece library", "[tokenizer]") {
  for (const char* kind : {"t5", "xlm-roberta", "camembert", "albert", "llama"}) check_kind(kind);
}

TEST_CASE("Settings and user-defined pieces of a SentencePiece model count as in the library",
          "[tokenizer]") {
  for (const char* kind : {"settings-bpe", "settings-unigram"}) check_kind(kind);
}

TEST_CASE("SentencePiece models in tokenizer.json give the ids of transformers", "[tokenizer]") {
  for (const char* kind : {"t5-json", "xlm-roberta-json", "albert-json", "llama-json", "llama-legacy-json"})
    check_kind(kind);
}
