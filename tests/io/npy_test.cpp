// SPDX-License-Identifier: MIT
#include "io/npy.h"

#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

std::string npy(const std::string& header, size_t data_bytes, int version = 1) {
  std::string text = "\x93NUMPY";
  text += static_cast<char>(version);
  text += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) text += static_cast<char>(header.size() >> 8 * i);
  return text + header + std::string(data_bytes, 'd');
}

NpyArray read(const std::string& file) {
  return read_npy(*FileBytes::embedded("p.npy", std::as_bytes(std::span(file))));
}

TEST_CASE("npy headers as numpy writes them") {
  const std::string file = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }          \n", 24);
  const NpyArray array = read(file);
  CHECK(array.dtype == DType::kF32);
  CHECK(array.shape == Shape{2, 3});
  CHECK(array.bytes.size() == 24);
  CHECK(array.bytes[0] == std::byte{'d'});
  CHECK(read(npy("{'descr': '<f2', 'fortran_order': False, 'shape': (5,), }", 10)).shape == Shape{5});
  CHECK(read(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 8)).shape.empty());
  CHECK(read(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4), }", 0)).bytes.empty());
  CHECK(read(npy("{\"shape\": (1,), \"fortran_order\": False, \"descr\": \"<f4\"}", 4, 2)).dtype ==
        DType::kF32);
}

TEST_CASE("npy files of other kinds are not supported, and the message says how to convert") {
  for (const char* header : {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }",
                             "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }",
                             "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }",
                             "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }"}) {
    CAPTURE(header);
    const auto error = error_of([&] { read(npy(header, 4)); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUnsupported);
    CHECK(!error->detail().remedy.empty());
  }
  CHECK(code_of([&] { read(npy("{}", 0, 3)); }) == 4);
  CHECK(contains(message_of([&] { read("PK\x03\x04 whatever"); }), ".npz"));
}

TEST_CASE("malformed npy headers are bad input") {
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}", "{'x': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}"}) {
    CAPTURE(header);
    CHECK(code_of([&] { read(npy(header, 4)); }) == 3);
  }
}

TEST_CASE("npy data must have the size of the shape") {
  const char* header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
  CHECK(contains(message_of([&] { read(npy(header, 11)); }), "11 bytes of data; expected 12 for shape [3]"));
  CHECK(code_of([&] { read(npy(header, 13)); }) == 3);
}

TEST_CASE("every truncation of an npy file is bad input") {
  const std::string file = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12, 2);
  for (size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    CHECK(code_of([&] { read(file.substr(0, size)); }) == 3);
  }
}

}  // namespace
}  // namespace linformer
