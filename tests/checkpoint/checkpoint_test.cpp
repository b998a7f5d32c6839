// SPDX-License-Identifier: MIT
#include "checkpoint/checkpoint.h"

#include <filesystem>

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
  const std::pair<const char*, const char*> packagings[] = {{"model-q4.gguf", "GGUF"},
                                                            {"tf_model.h5", "TensorFlow"},
                                                            {"bert_model.ckpt.index", "TensorFlow"},
                                                            {"saved_model.pb", "TensorFlow"},
                                                            {"flax_model.msgpack", "Flax"},
                                                            {"model.onnx", "ONNX"},
                                                            {"arrays.npz", "a NumPy archive"}};
  for (const auto& [name, words] : packagings) {
    CAPTURE(name);
    const TemporaryFolder folder;
    folder.put("config.json", "{}");
    folder.put("training_args.bin", "x");
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

TEST_CASE("files are known by their content, whatever their name") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& name, const std::string& content) {
    const auto error = error_of([&] { Checkpoint::open(folder.put(name, content), true); });
    return error ? std::to_string(static_cast<int>(error->code())) + error->what() : "";
  };
  CHECK(contains(refusal("x.bin", "GGUF\3" + std::string(9, '\0')), "a GGUF file"));
  CHECK(refusal("x.safetensors", "\x89HDF\r\n").starts_with('4'));
  CHECK(refusal("x.pt", std::string(257, '\0') + "ustar").starts_with('4'));
  CHECK(refusal("x.pt", "\x93NUMPY").starts_with('4'));
  CHECK(refusal("x.pt", "\x80\x02}.").starts_with('4'));
  CHECK(contains(refusal("x.pt", "version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"));
  CHECK(refusal("x.pt", "PK\x03\x04 zip").starts_with('3'));
  CHECK(refusal("x.pt", "what is this").starts_with('3'));
  CHECK(refusal("x.pt", "").starts_with('3'));
  CHECK(refusal("x.pt", "{\"a\": 1}").starts_with('3'));
  for (const char* name : {"x.pt", "x.bin", "x.onnx", "blob"}) CHECK(refusal(name, two_tensors()).empty());
  // Headers of 0x280 and 0x7b bytes begin like a pickle and like JSON.
  for (const size_t bytes : {size_t{0x280}, size_t{0x7b}}) {
    CHECK(refusal("blob", safetensors_bytes("{}" + std::string(bytes - 2, ' '), "")).empty());
  }
}

TEST_CASE("paths that lead nowhere are bad input, and a hub name is told from a path") {
  const TemporaryFolder folder;
  CHECK(code_of([&] { Checkpoint::open(folder.path("none"), true); }) == 3);
  CHECK(code_of([&] { Checkpoint::open("", true); }) == 3);
  CHECK(contains(message_of([&] { Checkpoint::open("org/name", true); }), "hf download org/name"));
  CHECK(code_of([&] { Checkpoint::open("org/name", true); }) == 3);
  CHECK_FALSE(contains(message_of([&] { Checkpoint::open("./name", true); }), "download"));
  CHECK(contains(message_of([&] { Checkpoint::open(folder.path(), true); }), "no model.safetensors"));
  folder.put("other.safetensors", two_tensors());
  CHECK(contains(message_of([&] { Checkpoint::open(folder.path(), true); }), "other.safetensors"));
  folder.put("config.json", "{}");
  CHECK(contains(message_of([&] { Checkpoint::open(folder.path("config.json"), true); }), "Give its folder"));
}

TEST_CASE("a model of the hub's cache opens by its name, through links") {
  const TemporaryFolder cache;
  const std::string model = cache.path("models--org--name");
  std::filesystem::create_directories(model + "/snapshots/c1");
  std::filesystem::create_directories(model + "/blobs");
  cache.put("models--org--name/blobs/b1", two_tensors());
  std::filesystem::create_symlink("../../blobs/b1", model + "/snapshots/c1/model.safetensors");
  const Checkpoint checkpoint = Checkpoint::open("org/name", true, cache.path());
  CHECK(checkpoint.path() == "org/name");
  CHECK(checkpoint.weights_path() == model + "/snapshots/c1/model.safetensors");
  CHECK(checkpoint.tensors().size() == 2);
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
