// SPDX-License-Identifier: MIT
#include "checkpoint/tensor_values.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

template <class T>
TensorInfo tensor_of(DType dtype, const std::vector<T>& values) {
  return {"w", dtype, {static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

template <class T>
std::vector<float> as_f32(DType dtype, const std::vector<T>& values) {
  std::vector<float> out(values.size());
  copy_as_f32(tensor_of(dtype, values), "m.safetensors", out);
  return out;
}

template <class T>
std::vector<int64_t> as_i64(DType dtype, const std::vector<T>& values) {
  std::vector<int64_t> out(values.size());
  copy_as_i64(tensor_of(dtype, values), "m.safetensors", out);
  return out;
}

using Floats = std::vector<float>;
using Integers = std::vector<int64_t>;

TEST_CASE("floating-point types become f32") {
  CHECK(as_f32<float>(DType::kF32, {1.5f, -0.0f, 1e-45f}) == Floats{1.5f, -0.0f, 1e-45f});
  CHECK(as_f32<uint16_t>(DType::kF16, {0x3c00, 0xc000, 0x0001, 0x7bff}) ==
        Floats{1.0f, -2.0f, 5.9604644775390625e-8f, 65504.0f});
  CHECK(as_f32<uint16_t>(DType::kBF16, {0x3f80, 0xc000}) == Floats{1.0f, -2.0f});
  CHECK(as_f32<double>(DType::kF64, {0.1, -1e-300}) == Floats{0.1f, -0.0f});
}

TEST_CASE("integer types become f32 and i64") {
  CHECK(as_f32<uint8_t>(DType::kBool, {0, 1}) == Floats{0, 1});
  CHECK(as_f32<int8_t>(DType::kI8, {-128, 127}) == Floats{-128, 127});
  CHECK(as_f32<uint16_t>(DType::kU16, {65535}) == Floats{65535});
  CHECK(as_f32<int16_t>(DType::kI16, {-5}) == Floats{-5});
  CHECK(as_f32<uint32_t>(DType::kU32, {4294967295u}) == Floats{4294967296.0f});
  CHECK(as_f32<int32_t>(DType::kI32, {-7}) == Floats{-7});
  CHECK(as_f32<int64_t>(DType::kI64, {int64_t{1} << 40}) == Floats{1099511627776.0f});
  CHECK(as_f32<uint64_t>(DType::kU64, {3}) == Floats{3});
  CHECK(as_i64<uint8_t>(DType::kBool, {0, 1}) == Integers{0, 1});
  CHECK(as_i64<uint8_t>(DType::kU8, {255}) == Integers{255});
  CHECK(as_i64<int8_t>(DType::kI8, {-1}) == Integers{-1});
  CHECK(as_i64<uint16_t>(DType::kU16, {65535}) == Integers{65535});
  CHECK(as_i64<int16_t>(DType::kI16, {-1}) == Integers{-1});
  CHECK(as_i64<uint32_t>(DType::kU32, {4294967295u}) == Integers{4294967295});
  CHECK(as_i64<int32_t>(DType::kI32, {-1}) == Integers{-1});
  CHECK(as_i64<int64_t>(DType::kI64, {std::numeric_limits<int64_t>::min()})[0] < 0);
  CHECK(as_i64<uint64_t>(DType::kU64, {7}) == Integers{7});
}

TEST_CASE("data at an odd address convert") {
  std::vector<std::byte> bytes(9);
  const float value = 2.5f;
  std::memcpy(bytes.data() + 1, &value, sizeof value);
  const TensorInfo tensor{"w", DType::kF32, {1}, std::span<const std::byte>(bytes).subspan(1, 4)};
  float out = 0;
  copy_as_f32(tensor, "f", {&out, 1});
  CHECK(out == 2.5f);
}

TEST_CASE("NaN and infinity are bad input with file, tensor and element") {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<float> values(20'000, 1.0f);
  for (const size_t at : {size_t{0}, size_t{8191}, size_t{8192}, size_t{19'999}}) {
    values[at] = std::nanf("");
    const std::string words = "m.safetensors: tensor 'w', element " + std::to_string(at) + ": NaN";
    CHECK(contains(message_of([&] { as_f32(DType::kF32, values); }), words));
    values[at] = -kInf;
    CHECK(contains(message_of([&] { as_f32(DType::kF32, values); }), ": minus infinity"));
    values[at] = 1.0f;
  }
  CHECK(code_of([&] { as_f32<uint16_t>(DType::kF16, {0x7c00}); }) == 3);
  CHECK(code_of([&] { as_f32<uint16_t>(DType::kBF16, {0x7fc0}); }) == 3);
  CHECK(code_of([&] { as_f32<double>(DType::kF64, {std::nan("")}); }) == 3);
  CHECK(contains(message_of([&] { as_f32<double>(DType::kF64, {1e300}); }), "1e+300, beyond f32"));
}

TEST_CASE("floating-point tensors are no integers, and integers beyond 63 bits are refused") {
  CHECK(contains(message_of([&] { as_i64<float>(DType::kF32, {1.0f}); }),
                 "dtype F32; expected an integer type"));
  CHECK(contains(message_of([&] {
                   as_i64<uint64_t>(DType::kU64, {1, uint64_t{1} << 63});
                 }),
                 "element 1: 9223372036854775808"));
}

TEST_CASE("room of another size is an internal error") {
  const std::vector<float> values(3);
  std::vector<float> out(2);
  CHECK(code_of([&] { copy_as_f32(tensor_of(DType::kF32, values), "f", out); }) == 7);
}

/// A view of `storage` from its first element on.
TensorInfo view_of(const std::vector<float>& storage, Shape shape, Shape strides) {
  int64_t last = 0;
  for (size_t d = 0; d < shape.size(); ++d) last += (shape[d] - 1) * strides[d];
  const auto used = std::span(storage).first(static_cast<size_t>(last + 1));
  return {"w", DType::kF32, std::move(shape), std::as_bytes(used), std::move(strides)};
}

Floats values_of(const TensorInfo& tensor) {
  Floats out(static_cast<size_t>(tensor.elements()));
  copy_as_f32(tensor, "f", out);
  return out;
}

TEST_CASE("strides are honoured: transposed, every other, repeated, and 3-dimensional views") {
  const Floats storage = {0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(values_of(view_of(storage, {3, 2}, {1, 3})) == Floats{0, 3, 1, 4, 2, 5});
  CHECK(values_of(view_of(storage, {4}, {2})) == Floats{0, 2, 4, 6});
  CHECK(values_of(view_of(storage, {2, 3}, {1, 0})) == Floats{0, 0, 0, 1, 1, 1});
  CHECK(values_of(view_of(storage, {2, 2, 2}, {1, 4, 2})) == Floats{0, 2, 4, 6, 1, 3, 5, 7});
}

TEST_CASE("any part of a strided view is that part of the whole, beyond the size of a part too") {
  constexpr int64_t kRows = 123, kCols = 257;
  Floats storage(kRows * kCols);
  for (size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<float>(i);
  const TensorInfo tensor = view_of(storage, {kCols, kRows}, {1, kCols});
  const Floats whole = values_of(tensor);
  for (size_t i = 0; i < whole.size(); ++i) REQUIRE(whole[i] == storage[i % kRows * kCols + i / kRows]);
  for (const size_t begin : {0ul, 1ul, 122ul, 123ul, 8191ul, 20'000ul}) {
    Floats part(9000);
    copy_part_as_f32(tensor, "f", static_cast<int64_t>(begin), part);
    CHECK(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(begin)));
  }
}

TEST_CASE("strided values that are not finite are named by their place in the tensor") {
  const Floats storage = {0, 1, std::nanf(""), 3, 4, 5};
  CHECK(contains(message_of([&] { values_of(view_of(storage, {3, 2}, {1, 3})); }), "element 4: NaN"));
}

TEST_CASE("strided integers convert") {
  const std::vector<int32_t> storage = {0, -1, 2, -3};
  Integers out(4);
  copy_as_i64({"w", DType::kI32, {2, 2}, std::as_bytes(std::span(storage)), {1, 2}}, "f", out);
  CHECK(out == Integers{0, 2, -1, -3});
}

TEST_CASE("an empty tensor copies nothing") { CHECK(as_f32<float>(DType::kF32, {}).empty()); }

}  // namespace
}  // namespace linformer
