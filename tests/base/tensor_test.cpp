// SPDX-License-Identifier: MIT
#include "base/tensor.h"

#include <limits>
#include <set>

#include "catch.h"

namespace linformer {
namespace {

constexpr DType kAll[] = {DType::kBool, DType::kU8,   DType::kI8,  DType::kU16, DType::kI16,
                          DType::kF16,  DType::kBF16, DType::kU32, DType::kI32, DType::kF32,
                          DType::kU64,  DType::kI64,  DType::kF64};

TEST_CASE("names of element types lead back to them and differ") {
  std::set<std::string_view> names;
  for (const DType type : kAll) {
    INFO(name_of(type));
    CHECK(dtype_from_name(name_of(type)) == type);
    names.insert(name_of(type));
  }
  CHECK(names.size() == std::size(kAll));
}

TEST_CASE("element types have the names and sizes of safetensors") {
  CHECK(dtype_from_name("BOOL") == DType::kBool);
  CHECK(dtype_from_name("BF16") == DType::kBF16);
  CHECK(dtype_from_name("F16") == DType::kF16);
  CHECK(dtype_from_name("I64") == DType::kI64);
  for (const DType type : kAll) {
    const std::string name(name_of(type));
    INFO(name);
    const size_t digits = name.find_first_of("0123456789");
    const int bits = digits == std::string::npos ? 8 : std::stoi(name.substr(digits));
    CHECK(size_of(type) * 8 == bits);
    CHECK(is_float(type) == (name[0] == 'F' || name == "BF16"));
  }
}

TEST_CASE("unknown names of element types are no type") {
  for (const char* name : {"", "f32", "F3", "F320", "F8_E4M3", " F32", "int64"}) {
    INFO(name);
    CHECK_FALSE(dtype_from_name(name));
  }
}

TEST_CASE("shapes print as lists") {
  CHECK(to_string(Shape{}) == "[]");
  CHECK(to_string(Shape{7}) == "[7]");
  CHECK(to_string(Shape{2, 3, 0}) == "[2, 3, 0]");
}

TEST_CASE("elements are counted, and rank 0 has one") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({5}) == 5);
  CHECK(element_count({2, 3, 4}) == 24);
  CHECK(element_count({2, 0, 4}) == 0);
}

TEST_CASE("a negative size has no count") {
  CHECK_FALSE(element_count({-1}));
  CHECK_FALSE(element_count({2, -3}));
  CHECK_FALSE(element_count({-2, -3}));
  CHECK_FALSE(element_count({0, -1}));
}

TEST_CASE("a count beyond 64 bits is none") {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  CHECK(element_count({kMost}) == kMost);
  CHECK_FALSE(element_count({kMost, 2}));
  CHECK_FALSE(element_count({int64_t{1} << 32, int64_t{1} << 31}));
  CHECK(element_count({int64_t{1} << 32, int64_t{1} << 30}) == int64_t{1} << 62);
  // 2^64, which wraps to 0
  CHECK_FALSE(element_count({int64_t{1} << 32, int64_t{1} << 32}));
}

TEST_CASE("views find rows and matrices by their strides") {
  float data[64] = {};
  const HeadsView<float> view{data, 2, 2, 2, 3, 32, 12, 5};
  CHECK(view.matrix(1, 1).row(1) == data + 32 + 12 + 5);
  CHECK(view.matrix(0, 1).row(0) == data + 12);
  CHECK(view.matrix(1, 0).rows == 2);
  CHECK(view.matrix(1, 0).cols == 3);
  const HeadsView<const float> readable = view;
  CHECK(readable.matrix(1, 1).row(1) == data + 49);
  const MatrixView<const float> matrix = view.matrix(0, 0);
  CHECK(matrix.stride == 5);
}

}  // namespace
}  // namespace linformer
