// SPDX-License-Identifier: MIT
#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "checkpoint_copy.h"
#include "io/error_of.h"
#include "program.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

Json info(std::vector<std::string> arguments) {
  const TemporaryFolder folder;
  arguments.insert(arguments.begin(), "info");
  arguments.insert(arguments.end(), {"--format", "json"});
  const ProgramResult result = run_program(arguments, {.folder = folder.path()});
  INFO("stderr: " << result.err);
  REQUIRE(result.code == 0);
  return Json::parse(result.out);
}

TEST_CASE("info says what each fixture is") {
  struct Row {
    std::string name;
    int layers, heads, head_size, width, positions;
    std::string activation, dtype;
    bool masked_lm;
  };
  const std::vector<Row> rows = {{"base-prefixless", 2, 3, 16, 48, 64, "gelu", "F32", false},
                                 {"masked-lm", 2, 4, 12, 48, 64, "gelu", "F32", true},
                                 {"gamma-beta", 3, 2, 16, 32, 40, "gelu", "F32", false},
                                 {"gelu-new", 2, 3, 16, 48, 64, "gelu_new", "F16", false},
                                 {"bf16", 2, 5, 8, 40, 35, "gelu", "BF16", false}};
  for (const Row& row : rows) {
    INFO(row.name);
    const Json facts = info({bert_fixture(row.name), "--tensors"});
    const Json& a = facts.at("architecture");
    CHECK(a.at("family") == "bert");
    CHECK(a.at("layers") == row.layers);
    CHECK(a.at("heads") == row.heads);
    CHECK(a.at("head_size") == row.head_size);
    CHECK(a.at("width") == row.width);
    CHECK(a.at("positions") == row.positions);
    CHECK(a.at("vocabulary") == 100);
    CHECK(a.at("activation") == row.activation);
    CHECK(facts.at("language_model_head") == row.masked_lm);
    CHECK(facts.at("tokenizer") == "WordPiece (vocab.txt)");
    // The list, the count and the elements agree with each other and with the file.
    int64_t elements = 0;
    for (const Json& tensor : facts.at("tensor_list")) {
      int64_t count = 1;
      for (const Json& size : tensor.at("shape")) count *= size.get<int64_t>();
      CHECK(tensor.at("dtype") == row.dtype);
      elements += count;
    }
    CHECK(facts.at("tensors") == facts.at("tensor_list").size());
    CHECK(facts.at("elements_by_dtype") == Json{{row.dtype, elements}});
    const auto file = std::filesystem::file_size(bert_fixture(row.name) + "/model.safetensors");
    CHECK(static_cast<uint64_t>(elements) * (row.dtype == "F32" ? 4 : 2) < file);
    CHECK(static_cast<uint64_t>(elements) * (row.dtype == "F32" ? 4 : 2) + 8192 > file);
  }
}

TEST_CASE("info lists every tensor in the table too") {
  const TemporaryFolder folder;
  const auto text = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"info", bert_fixture("masked-lm")});
    return run_program(more, {.folder = folder.path()}).out;
  };
  const std::string tensor = "bert.encoder.layer.1.output.LayerNorm.bias";
  CHECK_FALSE(contains(text({}), tensor));
  for (const char* format : {"table", "markdown", "csv"})
    CHECK(contains(text({"--tensors", "--format", format}), tensor));
}

TEST_CASE("info --check finds that the default was trained") {
  const Json facts = info({"--check", "--length", "64", "--sequences", "6"});
  const double unigram_free = std::log(facts.at("architecture").at("vocabulary").get<double>());
  CHECK(facts.at("check").at("sequences") == 6);
  CHECK(facts.at("check").at("predictions").get<int>() > 20);
  CHECK(facts.at("check").at("masked_lm_loss_nats").get<double>() < 0.6 * unigram_free);
  CHECK(facts.at("check").at("masked_lm_loss_nats").get<double>() > 0);
}

TEST_CASE("info --check on a text of which nothing is masked is exit 3, not a loss of 0") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", "[2, 1, 1, 3]\n");  // no ordinary token: [CLS] [UNK] [UNK] [SEP]
  const ProgramResult result = run_program(
      {"info", bert_fixture("masked-lm"), "--check", "--ids", "ids.jsonl"}, {.folder = folder.path()});
  INFO("stderr: " << result.err);
  CHECK(result.code == 3);
  CHECK(result.out.empty());
  for (const char* part : {"ids.jsonl", "too short", "4 tokens", "Give more text"})
    CHECK(contains(result.err, part));
}

TEST_CASE("info says of what kind the tokenizer is, and by which file") {
  const CheckpointCopy copy("masked-lm");
  const auto tokenizer = [&] { return info({copy.path()}).at("tokenizer").get<std::string>(); };
  const auto remove = [&](const char* name) { std::filesystem::remove(copy.folder().path(name)); };
  CHECK(tokenizer() == "WordPiece (vocab.txt)");
  copy.folder().put("tokenizer.json", R"({"model": {"type": "BPE", "vocab": {}, "merges": []}})");
  CHECK(tokenizer() == "BPE (tokenizer.json)");
  remove("tokenizer.json");
  remove("vocab.txt");
  CHECK(tokenizer() == "none");
  copy.folder().put("bpe.codes", "x");
  CHECK(run_program({"tokenize", "--checkpoint", copy.path()}, {.folder = copy.path()}).code == 4);
  for (const char* file : {"spiece.model", "sentencepiece.bpe.model", "tokenizer.model"}) {
    copy.folder().put(file, "x");
    CHECK(tokenizer() == std::string("SentencePiece (").append(file).append(")"));
    CHECK(run_program({"tokenize", "--checkpoint", copy.path()}, {.folder = copy.path()}).code == 3);
    remove(file);
  }
  copy.folder().put("vocab.json", "{}");
  CHECK(tokenizer() == "byte-level BPE (vocab.json)");
}

TEST_CASE("info reads the headers of a checkpoint of 10 GB, not the tensors") {
  const CheckpointCopy copy("masked-lm");
  constexpr uint64_t kVocabulary = 52'000'000, kWidth = 48, kBytes = kVocabulary * kWidth * 4;
  const std::string bytes = copy.folder().content("model.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const Json header = Json::parse(bytes.substr(8, length));
  Json grown = Json::object();
  uint64_t end = 0;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    const bool word = contains(name, "word_embeddings");
    const bool vocabulary = name == "cls.predictions.bias";
    Json entry = tensor;
    if (word || vocabulary) entry["shape"][0] = kVocabulary;
    const uint64_t old =
        tensor["data_offsets"][1].get<uint64_t>() - tensor["data_offsets"][0].get<uint64_t>();
    const uint64_t size = word ? kBytes : vocabulary ? kVocabulary * 4 : old;
    entry["data_offsets"] = {end, end + size};
    end += size;
    grown[name] = entry;
  }
  copy.folder().put("model.safetensors", safetensors_bytes(grown.dump(), ""));
  std::filesystem::resize_file(copy.folder().path("model.safetensors"), 8 + grown.dump().size() + end);
  copy.configure("vocab_size", kVocabulary);

  const TemporaryFolder folder;
  const ProgramResult result =
      run_program({"info", copy.path(), "--format", "json"}, {.folder = folder.path()});
  INFO("stderr: " << result.err);
  REQUIRE(result.code == 0);
  CHECK(Json::parse(result.out).at("architecture").at("vocabulary") == kVocabulary);
  CHECK(Json::parse(result.out).at("bytes").get<uint64_t>() > 10'000'000'000);
  CHECK(result.peak_bytes < 1'000'000'000);  // sanitizers take some
}

}  // namespace
}  // namespace linformer
