// SPDX-License-Identifier: MIT
#include <chrono>
#include <filesystem>

#include "catch.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_bytes.h"
#include "checkpoint/shard_index.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

const std::string kIndex = "model.safetensors.index.json";

std::string shard(const std::vector<std::string>& names) {
  std::string header = "{";
  uint64_t at = 0;
  for (const std::string& name : names) {
    header += (at ? "," : "") + tensor_json(name, "U8", "[1]", at, at + 1);
    ++at;
  }
  return safetensors_bytes(header + "}", std::string(at, 'x'));
}

/// The refusal of a folder with shards 1 {a, b} and 2 {c} and this weight_map; empty if there is none.
std::string refusal(const std::string& map, const std::vector<std::string>& second = {"c"}) {
  const TemporaryFolder folder;
  folder.put("1.safetensors", shard({"a", "b"}));
  folder.put("2.safetensors", shard(second));
  folder.put(kIndex, R"({"metadata":{"total_size":3},"weight_map":)" + map + "}");
  const auto error = error_of([&] { Checkpoint::open(folder.path(), true); });
  if (!error) return "";
  CHECK(error->code() == ErrorCode::kInput);
  CHECK(contains(error->what(), kIndex));
  return error->what();
}

const std::string kWhole = R"({"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"})";

TEST_CASE("index and files must agree") {
  CHECK(refusal(kWhole).empty());
  CHECK(contains(refusal(R"({"a":"2.safetensors"})"), "tensor 'a': not in 2.safetensors"));
  CHECK(contains(refusal(R"({"a":"3.safetensors"})"), "3.safetensors: missing"));
  CHECK(contains(refusal(kWhole, {"a", "c"}), "tensor 'a': in 1.safetensors and in 2.safetensors"));
  CHECK(contains(refusal(kWhole, {}), "tensor 'c': not in"));
}

TEST_CASE("the files of a checkpoint are told without opening what its index names") {
  const TemporaryFolder folder;
  folder.put("1.safetensors", "not a safetensors file");
  folder.put("config.json", "{}");
  folder.put(kIndex, R"({"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})");
  CHECK(Checkpoint::files_of(folder.path()) ==
        std::vector<std::string>{folder.path(kIndex), folder.path("1.safetensors"),
                                 folder.path("2.safetensors"), folder.path("config.json")});
  CHECK(weight_files(folder.path("1.safetensors")) == std::vector<std::string>{folder.path("1.safetensors")});
}

TEST_CASE("names of files that lead out of the folder are refused as they stand") {
  for (const char* name : {"../1.safetensors", "/etc/passwd", "x/1.safetensors", "./1.safetensors", "..", ".",
                           "", "x\\\\1.safetensors", "1.safetensors\\u0000"}) {
    CAPTURE(name);
    CHECK(contains(refusal(std::string(R"({"a":")") + name + "\"}"), "tensor 'a': the file"));
  }
}

TEST_CASE("an index of other JSON is refused") {
  for (const char* map :
       {"[]", "1", "null", "\"x\"", R"({"a":{}})", R"({"a":["1.safetensors"]})", R"({"a":1})",
        R"({"a":null})", R"({"a":"1.safetensors","a":"1.safetensors"})", "{}, \"weight_map\":{}"}) {
    CAPTURE(map);
    CHECK_FALSE(refusal(map).empty());
  }
  CHECK(code_of([] { parse_shard_index("{}", "i"); }) == 3);
  CHECK(code_of([] { parse_shard_index("[{}]", "i"); }) == 3);
  CHECK(code_of([] { parse_shard_index("{\"x\":" + std::string(1'000'000, '['), "i"); }) == 3);
  CHECK(parse_shard_index(R"({"x":{"weight_map":{"a":1}},"weight_map":{"b":"f","a":"f"}})", "i")
            .entries.size() == 2);
}

TEST_CASE("tensors that the index does not name are told, and are not there") {
  const TemporaryFolder folder;
  folder.put("1.safetensors", shard({"a", "b"}));
  folder.put(kIndex, R"({"weight_map":{"a":"1.safetensors"}})");
  const Checkpoint checkpoint = Checkpoint::open(folder.path(kIndex), true);
  CHECK(checkpoint.unmapped_tensors() == std::vector<std::string>{"b"});
  CHECK(checkpoint.find("b") == nullptr);
  CHECK(checkpoint.weights_path() == folder.path(kIndex));
  CHECK(checkpoint.weights_path(checkpoint.get("a")) == folder.path("1.safetensors"));
}

TEST_CASE("one file is preferred to several, and safetensors to PyTorch") {
  const TemporaryFolder folder;
  folder.put("1.safetensors", shard({"a"}));
  folder.put("pytorch_model.bin.index.json", R"({"weight_map":{"a":"1.safetensors"}})");
  CHECK(Checkpoint::open(folder.path(), true).weights_path() == folder.path("pytorch_model.bin.index.json"));
  folder.put("pytorch_model.bin", shard({"a"}));
  CHECK(Checkpoint::open(folder.path(), true).weights_path() == folder.path("pytorch_model.bin"));
  folder.put(kIndex, R"({"weight_map":{"a":"1.safetensors"}})");
  CHECK(Checkpoint::open(folder.path(), true).weights_path() == folder.path(kIndex));
  folder.put("model.safetensors", shard({"a"}));
  CHECK(Checkpoint::open(folder.path(), true).weights_path() == folder.path("model.safetensors"));
}

TEST_CASE("files of 5 GiB each open by their headers alone") {
  const TemporaryFolder folder;
  constexpr uint64_t kBytes = uint64_t{5} << 30;
  for (const char* name : {"1", "2"}) {
    const std::string header =
        "{" + tensor_json(name, "U8", "[" + std::to_string(kBytes) + "]", 0, kBytes) + "}";
    folder.put(name, safetensors_bytes(header, ""));
    std::filesystem::resize_file(folder.path(name), 8 + header.size() + kBytes);
  }
  folder.put(kIndex, R"({"weight_map":{"1":"1","2":"2"}})");
  const auto begin = std::chrono::steady_clock::now();
  const Checkpoint checkpoint = Checkpoint::open(folder.path(), true);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(100));
  CHECK(checkpoint.get("2").bytes.back() == std::byte{0});
  CHECK(checkpoint.total_bytes() > int64_t{10} << 30);
}

}  // namespace
}  // namespace linformer
