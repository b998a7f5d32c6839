// SPDX-License-Identifier: MIT
#include "checkpoint/checkpoint.h"

#include "catch.h"
#include "checkpoint/safetensors_bytes.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

std::string two_tensors(bool swapped = false, char a = 'A') {
  const std::string data_a(4, a);
  return swapped ? safetensors_bytes("{" + tensor_json("b", "U8", "[2]", 0, 2) + "," +
                                         tensor_json("a", "F32", "[1]", 2, 6) + "}",
                                     "BB" + data_a)
                 : safetensors_bytes("{" + tensor_json("a", "F32", "[1]", 0, 4) + "," +
                                         tensor_json("b", "U8", "[2]", 4, 6) + "}",
                                     data_a + "BB");
}

Checkpoint embedded(const std::string& config, const std::string& weights) {
  return Checkpoint::embedded("default", {{"config.json", std::as_bytes(std::span(config))},
                                          {"model.safetensors", std::as_bytes(std::span(weights))}});
}

TEST_CASE("a folder and the file in it open as the same checkpoint") {
  const TemporaryFolder folder;
  folder.put("config.json", R"({"model_type": "bert"})");
  folder.put("vocab.txt", "[PAD]\n");
  folder.put("model.safetensors", two_tensors());
  for (const std::string& path : {folder.path(), folder.path() + "/", folder.path("model.safetensors")}) {
    const Checkpoint checkpoint = Checkpoint::open(path, true);
    CHECK(checkpoint.path() == path);
    CHECK(checkpoint.config()["model_type"] == "bert");
    CHECK(checkpoint.file("vocab.txt") == "[PAD]\n");
    CHECK_FALSE(checkpoint.file("tokenizer.json").has_value());
    CHECK(checkpoint.tensors().size() == 2);
    CHECK(checkpoint.find("b")->bytes.size() == 2);
    CHECK(checkpoint.find("c") == nullptr);
    CHECK(checkpoint.total_bytes() == static_cast<int64_t>(two_tensors().size()) + 22 + 6);
    CHECK(std::filesystem::equivalent(checkpoint.path_of("vocab.txt"), folder.path("vocab.txt")));
  }
}

TEST_CASE("a checkpoint in memory behaves as one on disk") {
  const std::string config = R"({"model_type": "bert"})";
  const std::string weights = two_tensors();
  const Checkpoint checkpoint = embedded(config, weights);
  CHECK(checkpoint.path() == "default");
  CHECK(checkpoint.weights_path() == "default/model.safetensors");
  CHECK(checkpoint.config()["model_type"] == "bert");
  CHECK(checkpoint.get("a").shape == Shape{1});
  CHECK(code_of([&] { Checkpoint::embedded("x", {}); }) == 7);
}

TEST_CASE("weights without config.json open, and say what is missing when it is asked for") {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = Checkpoint::open(folder.put("w.safetensors", two_tensors()), true);
  CHECK(checkpoint.tensors().size() == 2);
  const auto error = error_of([&] { checkpoint.config(); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInput);
  CHECK(contains(error->what(), folder.path("config.json")));
  CHECK(!error->detail().remedy.empty());
}

TEST_CASE("a config.json that is malformed, no object or huge is bad input") {
  const std::string weights = two_tensors();
  for (const std::string config : {"", "[]", "{\"a\": 1, \"a\": 2}", "{", "7"}) {
    CAPTURE(config);
    CHECK(contains(message_of([&] { embedded(config, weights); }), "default/config.json"));
    CHECK(code_of([&] { embedded(config, weights); }) == 3);
  }
  CHECK(code_of([&] { embedded("{}" + std::string(17 << 20, ' '), weights); }) == 3);
}

TEST_CASE("other packagings are refused by name, with a way out") {
  const std::pair<const char*, const char*> packagings[] = {
      {"pytorch_model.bin", "PyTorch"},
      {"model.safetensors.index.json", "sharded"},
      {"pytorch_model.bin.index.json", "sharded PyTorch"},
      {"weights.pt", "PyTorch"},
      {"weights.pth", "PyTorch"},
      {"model-q4.gguf", "GGUF"},
      {"tf_model.h5", "TensorFlow"},
      {"bert_model.ckpt.index", "TensorFlow"},
      {"flax_model.msgpack", "Flax"},
      {"model.onnx", "ONNX"}};
  for (const auto& [name, words] : packagings) {
    CAPTURE(name);
    const TemporaryFolder folder;
    folder.put("config.json", "{}");
    folder.put(name, "x");
    for (const std::string& path : {folder.path(), folder.path(name)}) {
      const auto error = error_of([&] { Checkpoint::open(path, true); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::kUnsupported);
      CHECK(contains(error->what(), words));
      CHECK(contains(error->what(), name));
      CHECK(contains(error->detail().remedy, "safetensors"));
    }
  }
}

TEST_CASE("model.safetensors is preferred to other packagings beside it") {
  const TemporaryFolder folder;
  folder.put("pytorch_model.bin", "x");
  folder.put("model.onnx", "x");
  folder.put("model.safetensors", two_tensors());
  CHECK(Checkpoint::open(folder.path(), true).tensors().size() == 2);
}

TEST_CASE("files are known by their content where the name does not tell") {
  const TemporaryFolder folder;
  CHECK(code_of([&] { Checkpoint::open(folder.put("blob1", "GGUF\3\0\0\0"), true); }) == 4);
  CHECK(code_of([&] { Checkpoint::open(folder.put("blob2", "PK\x03\x04 zip"), true); }) == 4);
  CHECK(code_of([&] { Checkpoint::open(folder.put("blob3", "\x80\x02}q"), true); }) == 4);
  CHECK(Checkpoint::open(folder.put("blob4", two_tensors()), true).tensors().size() == 2);
  CHECK(code_of([&] { Checkpoint::open(folder.put("blob5", "what is this"), true); }) == 3);
  // A header of 0x280 bytes begins like a pickle.
  const std::string header = "{}" + std::string(0x280 - 2, ' ');
  CHECK(Checkpoint::open(folder.put("blob6", safetensors_bytes(header, "")), true).tensors().empty());
}

TEST_CASE("paths that lead nowhere are bad input, and a hub name is told from a path") {
  const TemporaryFolder folder;
  CHECK(code_of([&] { Checkpoint::open(folder.path("none"), true); }) == 3);
  CHECK(code_of([&] { Checkpoint::open("", true); }) == 3);
  CHECK(contains(message_of([&] { Checkpoint::open("org/name", true); }), "hub"));
  CHECK(code_of([&] { Checkpoint::open("org/name", true); }) == 3);
  CHECK_FALSE(contains(message_of([&] { Checkpoint::open("./name", true); }), "hub"));
  CHECK(contains(message_of([&] { Checkpoint::open(folder.path(), true); }), "no model.safetensors"));
  folder.put("other.safetensors", two_tensors());
  CHECK(contains(message_of([&] { Checkpoint::open(folder.path(), true); }), "other.safetensors"));
  folder.put("config.json", "{}");
  CHECK(contains(message_of([&] { Checkpoint::open(folder.path("config.json"), true); }), "Give its folder"));
}

TEST_CASE("a fingerprint depends on config, shapes and the tensors used, and on no order") {
  const auto of = [](const std::string& config, const std::string& weights, std::vector<std::string> names) {
    return embedded(config, weights).fingerprint(names);
  };
  const std::string base = of("{}", two_tensors(), {"a", "b"});
  CHECK(base.size() == 64);
  CHECK(of("{}", two_tensors(), {"b", "a", "b"}) == base);
  CHECK(of("{}", two_tensors(true), {"a", "b"}) == base);
  CHECK(of("{ }", two_tensors(), {"a", "b"}) != base);
  CHECK(of("{}", two_tensors(false, 'X'), {"a", "b"}) != base);
  CHECK(of("{}", two_tensors(), {"a"}) != base);
  CHECK(of("{}", two_tensors(false, 'X'), {"b"}) == of("{}", two_tensors(), {"b"}));
  CHECK(code_of([&] { of("{}", two_tensors(), {"c"}); }) == 3);
}

}  // namespace
}  // namespace linformer
