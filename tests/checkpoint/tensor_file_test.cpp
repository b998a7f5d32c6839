// SPDX-License-Identifier: MIT
#include "checkpoint/tensor_file.h"

#include "catch.h"
#include "checkpoint/safetensors_bytes.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "places.h"

namespace linformer {
namespace {

TEST_CASE("tensors are found by name in a file of any order") {
  const std::string bytes = safetensors_bytes(
      "{" + tensor_json("b", "U8", "[2]", 4, 6) + "," + tensor_json("a", "F32", "[1,1]", 0, 4) + "}   ",
      "AAAABB");
  const TensorFile file = read_tensors(bytes);
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.tensors()[0].name == "a");
  CHECK(file.tensors()[0].shape == Shape{1, 1});
  CHECK(file.tensors()[0].dtype == DType::kF32);
  CHECK(file.get("b").bytes[0] == std::byte{'B'});
  CHECK(file.find("b") == &file.tensors()[1]);
  CHECK(file.find("c") == nullptr);
  CHECK(file.name() == "m.safetensors");
}

TEST_CASE("a tensor that is not there is bad input with file and name") {
  const std::string bytes = safetensors_bytes("{}", "");
  const auto error = error_of([&] { read_tensors(bytes).get("bert.x"); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInput);
  CHECK(contains(error->what(), "m.safetensors: tensor 'bert.x': missing among 0"));
}

TEST_CASE("a file without tensors is legal") {
  const std::string bytes = safetensors_bytes("{}", "");
  CHECK(read_tensors(bytes).tensors().empty());
}

TEST_CASE("scalars and empty tensors are legal, and empty ones share their offset") {
  const std::string bytes = safetensors_bytes("{" + tensor_json("z", "F32", "[]", 0, 4) + "," +
                                                  tensor_json("a", "F32", "[0]", 4, 4) + "," +
                                                  tensor_json("b", "F32", "[0,7]", 0, 0) + "}",
                                              "1234");
  const TensorFile file = read_tensors(bytes);
  CHECK(file.get("z").shape.empty());
  CHECK(file.get("z").bytes.size() == 4);
  CHECK(file.get("a").bytes.empty());
  CHECK(file.get("b").shape == Shape{0, 7});
}

TEST_CASE("metadata are strings by name") {
  const std::string bytes = safetensors_bytes(R"({"__metadata__":{"format":"pt","x":""}})", "");
  const TensorFile file = read_tensors(bytes);
  CHECK(file.metadata().at("format") == "pt");
  CHECK(file.metadata().at("x").empty());
  CHECK(file.tensors().empty());
}

TEST_CASE("keys that the format does not know are skipped as its reference reader does") {
  const std::string bytes = safetensors_bytes(
      R"({"a":{"note":{"dtype":[1,{"k":null}],"x":-1.5},"dtype":"U8","more":[],"shape":[1],"n":7,"data_offsets":[0,1]}})",
      "x");
  CHECK(read_tensors(bytes).get("a").bytes.size() == 1);
}

TEST_CASE("every type of the format opens, and those without code are refused only when asked for") {
  const std::pair<const char*, uint64_t> types[] = {
      {"BOOL", 2},    {"U8", 2},      {"I8", 2},      {"U16", 4},         {"I16", 4},
      {"F16", 4},     {"BF16", 4},    {"U32", 8},     {"I32", 8},         {"F32", 8},
      {"U64", 16},    {"I64", 16},    {"F64", 16},    {"F4", 1},          {"C64", 16},
      {"F8_E5M2", 2}, {"F8_E4M3", 2}, {"F8_E8M0", 2}, {"F8_E4M3FNUZ", 2}, {"F8_E5M2FNUZ", 2}};
  for (const auto& [dtype, size] : types) {
    CAPTURE(dtype);
    const std::string bytes =
        safetensors_bytes("{" + tensor_json("a", dtype, "[2]", 0, size) + "}", std::string(size, '\0'));
    const TensorFile file = read_tensors(bytes);
    CHECK(file.tensors().size() + file.unreadable().size() == 1);
    if (file.tensors().empty()) {
      const auto error = error_of([&] { file.find("a"); });
      REQUIRE(error);
      CHECK(error->code() == ErrorCode::kUnsupported);
      CHECK(contains(error->what(), "tensor 'a': dtype " + std::string(dtype)));
      CHECK(file.unreadable()[0].bytes == static_cast<int64_t>(size));
    }
    CHECK(file.tensors().empty() == !dtype_from_name(dtype).has_value());
  }
  const std::string six = safetensors_bytes("{" + tensor_json("a", "F6_E3M2", "[4]", 0, 3) + "}", "123");
  CHECK(read_tensors(six).unreadable().size() == 1);
}

TEST_CASE("a copy keeps the file alive, mapped or not") {
  const TemporaryFolder folder;
  const std::string path =
      folder.put("t.safetensors", safetensors_bytes("{" + tensor_json("a", "U8", "[1]", 0, 1) + "}", "x"));
  for (const bool map : {true, false}) {
    const TensorFile copy = TensorFile::open(path, map);
    CHECK(copy.get("a").bytes[0] == std::byte{'x'});
  }
  CHECK(code_of([&] { TensorFile::open(folder.path("none.safetensors"), true); }) == 3);
}

TEST_CASE("the recorded checkpoints of the reference implementation open") {
  for (const char* name : {"base-prefixless", "bf16", "gamma-beta"}) {
    const TensorFile file = TensorFile::open(fixtures() + "/bert/" + name + "/model.safetensors", true);
    CHECK(file.tensors().size() > 10);
    CHECK(file.unreadable().empty());
  }
}

}  // namespace
}  // namespace linformer
