// SPDX-License-Identifier: MIT
#include "checkpoint/tensor_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/half.h"
#include "io/printable.h"

namespace linformer {
namespace {

[[noreturn]] void fail(const TensorInfo& tensor, const std::string& file, std::string item, std::string found,
                       std::string expected) {
  throw Error(ErrorCode::kInput,
              {.subject = file,
               .item = fmt::format("tensor '{}'{}{}", printable(tensor.name), item.empty() ? "" : ", ", item),
               .found = std::move(found),
               .expected = std::move(expected),
               .remedy = "Check where the file comes from"});
}

template <class T>
T load(const std::byte* bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

/// out[i] = convert(element i), for elements stored as T.
template <class T, class Out, class F>
void convert(const std::byte* bytes, std::span<Out> out, F&& f) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = f(load<T>(bytes, i));
}

template <class T, class Out>
void convert(const std::byte* bytes, std::span<Out> out) {
  convert<T>(bytes, out, [](T value) { return static_cast<Out>(value); });
}

/// Integers one after another; as i64, U64 from 2^63 on wraps round.
template <class Out>
void convert_integers(DType dtype, const std::byte* bytes, std::span<Out> out) {
  switch (dtype) {
    case DType::kI8:
      return convert<int8_t>(bytes, out);
    case DType::kU16:
      return convert<uint16_t>(bytes, out);
    case DType::kI16:
      return convert<int16_t>(bytes, out);
    case DType::kU32:
      return convert<uint32_t>(bytes, out);
    case DType::kI32:
      return convert<int32_t>(bytes, out);
    case DType::kU64:
      return convert<uint64_t>(bytes, out);
    case DType::kI64:
      return convert<int64_t>(bytes, out);
    default:
      return convert<uint8_t>(bytes, out);
  }
}

/// Numbers one after another as f32; may give infinity.
void convert_numbers(DType dtype, const std::byte* bytes, std::span<float> out) {
  switch (dtype) {
    case DType::kF32:
      return convert<float>(bytes, out);
    case DType::kF16:
      return convert<uint16_t>(bytes, out, f32_from_f16);
    case DType::kBF16:
      return convert<uint16_t>(bytes, out, f32_from_bf16);
    case DType::kF64:
      return convert<double>(bytes, out);
    default:
      return convert_integers(dtype, bytes, out);
  }
}

void check_signed(const TensorInfo& tensor, const std::string& file, int64_t begin,
                  std::span<const int64_t> values) {
  const auto wrapped = std::ranges::find_if(values, [](int64_t value) { return value < 0; });
  if (wrapped == values.end()) return;
  fail(tensor, file, fmt::format("element {}", begin + (wrapped - values.begin())),
       fmt::format("{}", static_cast<uint64_t>(*wrapped)), "an integer below 2^63");
}

[[noreturn]] void fail_not_finite(const TensorInfo& tensor, const std::string& file, int64_t begin,
                                  std::span<const float> values, const std::byte* stored) {
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  const auto index = static_cast<size_t>(bad - values.begin());
  std::string found = std::isnan(*bad) ? "NaN" : *bad > 0 ? "infinity" : "minus infinity";
  if (tensor.dtype == DType::kF64 && std::isfinite(load<double>(stored, index))) {
    found = fmt::format("{}, beyond f32", load<double>(stored, index));
  }
  fail(tensor, file, fmt::format("element {}", begin + static_cast<int64_t>(index)), found,
       "a finite number");
}

/// f(first element, its place in `out`, its bytes) for elements [begin, begin + out.size()), part by part.
template <class Out, class F>
void for_parts(const TensorInfo& tensor, int64_t begin, std::span<Out> out, F&& f) {
  std::array<std::byte, kPartBytes> room;
  for (size_t done = 0; done < out.size(); done += kPartElements) {
    const std::span<Out> part = out.subspan(done, std::min<size_t>(kPartElements, out.size() - done));
    const int64_t from = begin + static_cast<int64_t>(done);
    f(from, part, row_major_part(tensor, from, std::ssize(part), room).data());
  }
}

void check_room(const TensorInfo& tensor, size_t room) {
  if (static_cast<int64_t>(room) == tensor.elements()) return;
  throw Error(ErrorCode::kInternal, {.item = fmt::format("tensor '{}'", printable(tensor.name)),
                                     .found = fmt::format("room for {} elements", room),
                                     .expected = to_string(tensor.shape)});
}

}  // namespace

bool all_finite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7f800000u;
  uint32_t bad = 0;
  for (const float value : values) bad |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1u : 0u;
  return bad == 0;
}

void copy_as_f32(const TensorInfo& tensor, const std::string& file, std::span<float> out) {
  check_room(tensor, out.size());
  copy_part_as_f32(tensor, file, 0, out);
}

void copy_part_as_f32(const TensorInfo& tensor, const std::string& file, int64_t begin,
                      std::span<float> out) {
  for_parts(tensor, begin, out, [&](int64_t from, std::span<float> part, const std::byte* stored) {
    convert_numbers(tensor.dtype, stored, part);
    if (!all_finite(part)) fail_not_finite(tensor, file, from, part, stored);
  });
}

void copy_as_i64(const TensorInfo& tensor, const std::string& file, std::span<int64_t> out) {
  check_room(tensor, out.size());
  if (is_float(tensor.dtype)) {
    fail(tensor, file, "", "dtype " + std::string(name_of(tensor.dtype)), "an integer type");
  }
  for_parts(tensor, 0, out, [&](int64_t from, std::span<int64_t> part, const std::byte* stored) {
    convert_integers(tensor.dtype, stored, part);
    if (tensor.dtype == DType::kU64) check_signed(tensor, file, from, part);
  });
}

}  // namespace linformer
