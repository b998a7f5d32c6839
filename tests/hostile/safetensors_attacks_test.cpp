// SPDX-License-Identifier: MIT
// Each check of the reference reader, and the known ways to get round one.
#include <unistd.h>

#include "allocations.h"
#include "checkpoint/safetensors_bytes.h"
#include "io/temporary_folder.h"

namespace linformer {
namespace {

struct Refusal {
  int code;
  std::string message;
};

Refusal refuse(const std::string& bytes) {
  const auto error = hostile_error(bytes.size(), [&] { read_tensors(bytes); });
  return error ? Refusal{static_cast<int>(error->code()), error->what()} : Refusal{0, ""};
}

/// The header is refused as bad input with these words, and the message names the file.
bool refused(const std::string& header, std::string_view data, std::string_view words) {
  const Refusal r = refuse(safetensors_bytes(header, data));
  INFO(r.message);
  CHECK(r.message.starts_with("m.safetensors: "));
  CHECK(contains(r.message, words));
  return r.code == 3 && contains(r.message, words);
}

const std::string kA = tensor_json("a", "F32", "[1]", 0, 4);

TEST_CASE("hostile: header too small") {
  for (size_t size = 0; size < 8; ++size) CHECK(refuse(std::string(size, '\0')).code == 3);
  CHECK(refuse(little_endian(0)).code == 3);
}

TEST_CASE("hostile: header too large, by its own word") {
  CHECK(contains(refuse(little_endian(100'000'001) + "{}").message, "at most 100000000"));
  CHECK(contains(refuse(little_endian(~uint64_t{0}) + "{}").message, "at most 100000000"));
  CHECK(contains(refuse(little_endian(~uint64_t{7}) + "{}").message, "at most 100000000"));
}

TEST_CASE("hostile: header longer than the file") {
  CHECK(contains(refuse(little_endian(3) + "{}").message, "3 bytes long in a file of 10"));
  CHECK(contains(refuse(little_endian(100'000'000) + "{}").message, "complete file"));
}

TEST_CASE("hostile: header that is not UTF-8, not JSON, or does not begin with a brace") {
  CHECK(refused("{\"\xff\":1}", "", "UTF-8"));
  CHECK(refused("{x", "", "not valid JSON"));
  CHECK(refused(" {}", "", "does not begin with '{'"));
  CHECK(refused("[]", "", "does not begin with '{'"));
  CHECK(refused("\xef\xbb\xbf{}", "", "does not begin with '{'"));
  CHECK(refused("{}x", "", "not valid JSON"));
  CHECK(refused("{}{}", "", "not valid JSON"));
  CHECK(refused(std::string("{}\0\0", 4), "", "NUL byte"));
}

TEST_CASE("hostile: JSON of other types than the format's") {
  for (const char* header : {R"({"a":1})",
                             R"({"a":[]})",
                             R"({"a":null})",
                             R"({"a":{}})",
                             R"({"a":{"dtype":"F32","shape":[1]}})",
                             R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":{},"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}})",
                             R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})",
                             R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}})",
                             R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}})",
                             R"({"a":{"dtype":"F32","shape":[1],"data_offsets":null}})",
                             R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})",
                             R"({"__metadata__":[]})",
                             R"({"__metadata__":{"a":1}})",
                             R"({"__metadata__":{"a":{}}})",
                             R"({"__metadata__":"x"})"}) {
    CAPTURE(header);
    CHECK(refuse(safetensors_bytes(header, "1234")).code == 3);
  }
}

TEST_CASE("hostile: anything twice") {
  CHECK(refused("{" + kA + "," + kA + "}", "1234", "tensor 'a': described twice"));
  CHECK(refused("{" + kA + "," + tensor_json("\\u0061", "F32", "[1]", 4, 8) + "}", "12345678", "twice"));
  CHECK(refused(R"({"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}})", "1234",
                "dtype twice"));
  CHECK(refused(R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", "1234",
                "shape twice"));
  CHECK(refused(R"({"__metadata__":{},"__metadata__":{}})", "", "twice"));
  CHECK(refused(R"({"__metadata__":{"k":"1","k":"2"}})", "", "'k' twice"));
}

TEST_CASE("hostile: deep nesting fails at once, wherever it is") {
  const std::string deep(1'000'000, '[');
  CHECK(refuse(safetensors_bytes("{\"a\":" + deep, "")).code == 3);
  CHECK(refuse(safetensors_bytes("{\"a\":{\"shape\":" + deep, "")).code == 3);
  CHECK(refuse(safetensors_bytes("{\"a\":{\"unknown\":" + deep, "")).code == 3);
  CHECK(refuse(safetensors_bytes("{\"a\":{\"shape\":[" + std::string(1'000'000, '1') + "]", "")).code == 3);
}

TEST_CASE("hostile: holes, overlaps and ends that lie, each naming the tensor") {
  const auto two = [](uint64_t b0, uint64_t e0, uint64_t b1, uint64_t e1) {
    return "{" + tensor_json("a", "F32", "[1]", b0, e0) + "," + tensor_json("b", "F32", "[1]", b1, e1) + "}";
  };
  CHECK(refused("{" + tensor_json("a", "F32", "[1]", 4, 8) + "}", "12345678",
                "tensor 'a': data_offsets [4, 8]"));
  CHECK(refused(two(0, 4, 8, 12), "123456789012", "tensor 'b'"));
  CHECK(refused(two(0, 4, 2, 6), "123456", "tensor 'b'"));
  CHECK(refused(two(0, 4, 0, 4), "1234", "tensor 'b'"));
  CHECK(refused("{" + tensor_json("a", "F32", "[1]", 0, 4) + "," + tensor_json("b", "F32", "[0]", 4, 0) + "}",
                "1234", "tensor 'b'"));
  CHECK(refused("{" + kA + "}", "123", "the file is truncated"));
  CHECK(refused("{" + kA + "}", "12345", "something was appended"));
  CHECK(refused("{}", "x", "something was appended"));
}

TEST_CASE("hostile: shapes whose products overflow") {
  CHECK(refused("{" + tensor_json("a", "F32", "[4294967296,4294967296]", 0, 4) + "}", "1234",
                "tensor 'a': shape"));
  CHECK(refused("{" + tensor_json("a", "F64", "[2305843009213693952]", 0, 4) + "}", "1234",
                "fewer than 2^63 bits"));
  CHECK(refused("{" + tensor_json("a", "U8", "[9223372036854775807,2,0]", 0, 0) + "}", "",
                "tensor 'a': shape"));
}

TEST_CASE("hostile: sizes that differ from shape and dtype") {
  CHECK(refused("{" + tensor_json("a", "F32", "[2]", 0, 4) + "}", "1234",
                "tensor 'a': 4 bytes of data; expected 8"));
  CHECK(refused("{" + tensor_json("a", "I32", "[0]", 0, 4) + "}", "1234", "tensor 'a'"));
  CHECK(refused("{" + tensor_json("a", "F32", "[]", 0, 0) + "}", "", "tensor 'a'"));
  CHECK(refused("{" + tensor_json("a", "F4", "[3]", 0, 1) + "}", "1", "whole bytes"));
  CHECK(refused("{" + tensor_json("a", "F6_E2M3", "[3]", 0, 2) + "}", "12", "whole bytes"));
}

TEST_CASE("hostile: a dtype that the format does not have") {
  for (const char* dtype : {"", "F23", "f32", "F32 ", "float32"}) {
    const Refusal r = refuse(safetensors_bytes("{" + tensor_json("a", dtype, "[1]", 0, 4) + "}", "1234"));
    CHECK(r.code == 4);
    CHECK(contains(r.message, "tensor 'a'"));
  }
}

TEST_CASE("hostile: names that are long or meant for a terminal") {
  const std::string longest(4096, 'n');
  CHECK(refuse(safetensors_bytes("{" + tensor_json(longest, "F32", "[1]", 0, 4) + "}", "1234")).code == 0);
  CHECK(refuse(safetensors_bytes("{" + tensor_json(longest + "n", "F32", "[1]", 0, 4) + "}", "1234")).code ==
        3);
  const Refusal r =
      refuse(safetensors_bytes("{" + tensor_json("\\u001b[2J", "F32", "[2]", 0, 4) + "}", "1234"));
  CHECK(contains(r.message, "\\x1b[2J"));
}

TEST_CASE("hostile: every truncation and every appended byte of a good file") {
  const std::string good =
      safetensors_bytes("{" + kA + "," + tensor_json("b", "U8", "[3]", 4, 7) + "} ", "1234567");
  CHECK(refuse(good).code == 0);
  for (size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(refuse(good.substr(0, size)).code == 3);
  }
  CHECK(refuse(good + "x").code == 3);
}

TEST_CASE("hostile: no flip of a single bit is accepted as another size than the file's") {
  const std::string good =
      safetensors_bytes("{" + kA + "," + tensor_json("b", "U8", "[3]", 4, 7) + "} ", "1234567");
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    size_t bytes = 0;
    const auto error = hostile_error(flipped.size(), [&] {
      const TensorFile file = read_tensors(flipped);
      for (const TensorInfo& tensor : file.tensors()) bytes += tensor.bytes.size();
      for (const UnreadableTensor& tensor : file.unreadable()) bytes += static_cast<size_t>(tensor.bytes);
    });
    CAPTURE(bit);
    CHECK((error || bytes == 7));
  }
}

TEST_CASE("hostile: a sparse file of 10 GB opens from its header alone") {
  constexpr int64_t kBytes = 10'000'000'000;
  const TemporaryFolder folder;
  const std::string path =
      folder.put("m.safetensors",
                 safetensors_bytes("{" + tensor_json("a", "F32", "[50000,50000]", 0, kBytes) + "}", ""));
  const auto header = static_cast<int64_t>(std::filesystem::file_size(path));
  REQUIRE(::truncate(path.c_str(), header + kBytes) == 0);
  const TensorFile file = TensorFile::open(path, true);
  CHECK(file.get("a").bytes.size() == kBytes);
  CHECK(file.get("a").bytes.back() == std::byte{0});
  CHECK(file.set().file_bytes() == header + kBytes);
}

}  // namespace
}  // namespace linformer
