// SPDX-License-Identifier: MIT
#include "checkpoint/torch_file.h"

#include <vector>

#include "catch.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/tensor_values.h"
#include "checkpoint/torch_bytes.h"
#include "io/error_of.h"
#include "places.h"

namespace linformer {
namespace {

std::string packaging(const std::string& name) { return fixtures() + "/packagings/" + name; }

std::vector<float> floats(const TensorInfo& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.elements()));
  copy_as_f32(tensor, "f", values);
  return values;
}

TEST_CASE("every packaging gives the tensors of its safetensors twin") {
  const Checkpoint twin = Checkpoint::open(packaging("twin.safetensors"), true);
  const std::pair<const char*, const char*> packagings[] = {
      {"zip.pt", "PyTorch"},
      {"legacy.pt", "PyTorch before 1.6"},
      {"nested.pt", "PyTorch"},
      {"sharded", "sharded safetensors"},
      {"sharded/model.safetensors.index.json", "sharded safetensors"},
      {"sharded-torch", "sharded PyTorch"},
      {"sharded-torch/pytorch_model.bin.index.json", "sharded PyTorch"}};
  for (const auto& [name, words] : packagings) {
    for (const bool map : {true, false}) {
      CAPTURE(name, map);
      const Checkpoint checkpoint = Checkpoint::open(packaging(name), map);
      CHECK(checkpoint.packaging() == words);
      REQUIRE(checkpoint.tensors().size() == twin.tensors().size());
      for (const TensorInfo& expected : twin.tensors()) {
        CAPTURE(expected.name);
        const TensorInfo& tensor = checkpoint.get(expected.name);
        CHECK(tensor.dtype == expected.dtype);
        CHECK(tensor.shape == expected.shape);
        CHECK(floats(tensor) == floats(expected));
        CHECK(contains(checkpoint.weights_path(tensor), "packagings/"));
      }
    }
  }
}

TEST_CASE("views stay views, and their fingerprint is that of a copy") {
  const Checkpoint twin = Checkpoint::open(packaging("twin.safetensors"), true);
  const Checkpoint nested = Checkpoint::open(packaging("nested.pt"), true);
  CHECK(nested.get("transposed").strides == Shape{1, 5});
  CHECK(nested.get("f32").strides.empty());
  CHECK(nested.get("tied").bytes.data() == nested.get("f32").bytes.data());
  std::vector<std::string> names;
  for (const TensorInfo& tensor : twin.tensors()) names.push_back(tensor.name);
  CHECK(nested.fingerprint(names) == twin.fingerprint(names));
}

TEST_CASE("fairseq's args and cfg beside the tensors are read, numbers and texts of them") {
  const Checkpoint nested = Checkpoint::open(packaging("nested.pt"), true);
  CHECK(nested.known_config() == nlohmann::json{{"arch", "linformer_roberta_base"}});
  const auto error = error_of([&] { nested.config(); });
  REQUIRE(error);
  CHECK(contains(error->what(), "config.json"));
  for (const char* variant : {"fairseq", "fairseq-layerwise"}) {  // args, and cfg's member model
    const std::string folder = fixtures() + "/linformers/" + variant;
    const nlohmann::json config = Checkpoint::open(folder + "/model.pt", true).known_config();
    CHECK(config["encoder_attention_heads"] == 4);
    CHECK(config["activation_fn"] == "gelu");
    CHECK(config["no_scale_embedding"] == 1);
    CHECK_FALSE(config.contains("dropout"));
  }
}

TEST_CASE("tensors of kinds that are not read are refused only when asked for") {
  for (const char* file : {"zip.pt", "legacy.pt"}) {
    const Checkpoint checkpoint = Checkpoint::open(packaging(file), true);
    const std::pair<const char*, const char*> kinds[] = {
        {"complex", "C64"}, {"sparse", "sparse"}, {"float8", "F8_E4M3"}};
    for (const auto& [name, kind] : kinds) {
      const auto error = error_of([&, tensor = name] { checkpoint.find(tensor); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::kUnsupported);
      CHECK(contains(error->what(), name));
      CHECK(contains(error->what(), kind));
    }
  }
}

TEST_CASE("a view by offset and strides within its storage") {
  const std::string bytes = torch_zip(pickled_state(pickled_tensor(6, 1, {2, 2}, {1, 2})));
  const Weights weights = read_weights(bytes);
  CHECK(floats(weights.tensors.get("w")) == std::vector<float>{1, 3, 2, 4});
}

TEST_CASE("a legacy storage may be a part of another") {
  std::string bytes("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
  bytes += "\x80\x02M\xe9\x03.";
  bytes += "\x80\x02}" + pickled("little_endian") + "\x88s.";
  const std::string view = "(" + pickled("1") + pickled(2) + pickled(3) + "t";
  const auto with = [&](const std::string& part) {
    return bytes + pickled_state(pickled_tensor(6, 0, {3}, {1}, "0", part)) + "\x80\x02]" + pickled("0") +
           "a." + little_endian(6) +
           std::string("\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40", 24);
  };
  const std::string whole = with("N"), part = with(view);
  CHECK(floats(read_weights(whole).tensors.get("w")) == std::vector<float>{0, 1, 2});
  CHECK(floats(read_weights(part).tensors.get("w")) == std::vector<float>{2, 3, 4});
  const std::string beyond = with("(" + pickled("1") + pickled(4) + pickled(3) + "t");
  CHECK(code_of([&] { read_weights(beyond); }) == 3);
  const std::string trailing = whole + "x";
  CHECK(contains(message_of([&] { read_weights(trailing); }), "1 bytes after"));
}

TEST_CASE("archives of other programs are refused by name") {
  const std::string pickle = pickled_state(pickled_tensor(1, 0, {1}, {1}));
  const auto refusal = [](const std::vector<ZipFile>& files) {
    const std::string bytes = zip_bytes(files);
    const auto error = error_of([&] { read_weights(bytes); });
    return error ? std::to_string(static_cast<int>(error->code())) + error->what() : "";
  };
  const ZipFile data{.name = "a/data.pkl", .data = pickle}, storage{.name = "a/data/0", .data = "1234"};
  CHECK(refusal({data, storage}).empty());
  CHECK(refusal({data, storage, {.name = "a/byteorder", .data = "little"}}).empty());
  CHECK(contains(refusal({data, storage, {.name = "a/byteorder", .data = "big"}}), "4m.bin: big-endian"));
  CHECK(contains(refusal({data, storage, {.name = "a/constants.pkl", .data = ""}}), "4m.bin: a TorchScript"));
  CHECK(contains(refusal({{.name = "x.npy", .data = ""}}), "4m.bin: a NumPy archive"));
  CHECK(contains(refusal({{.name = "x", .data = ""}}), "3m.bin: a zip archive without data.pkl"));
  CHECK(contains(refusal({data, {.name = "b/data.pkl", .data = ""}}), "3m.bin: an archive with two"));
}

}  // namespace
}  // namespace linformer
