// SPDX-License-Identifier: MIT
#include "checkpoint/tensor_values.h"

#include <fmt/format.h>

#include <algorithm>
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
               .remedy = "Check where the checkpoint comes from"});
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

/// Elements [begin, begin + out.size()) of the tensor; may give infinity.
void convert_part(const TensorInfo& tensor, size_t begin, std::span<float> out) {
  const std::byte* bytes = tensor.bytes.data() + begin * static_cast<size_t>(size_of(tensor.dtype));
  switch (tensor.dtype) {
    case DType::kF32:
      return convert<float>(bytes, out);
    case DType::kF16:
      return convert<uint16_t>(bytes, out, f32_from_f16);
    case DType::kBF16:
      return convert<uint16_t>(bytes, out, f32_from_bf16);
    case DType::kF64:
      return convert<double>(bytes, out);
    case DType::kBool:
    case DType::kU8:
      return convert<uint8_t>(bytes, out);
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
  }
}

/// Whether no value is NaN or infinite; without branches, so that it becomes vector code.
bool all_finite(std::span<const float> values) {
  constexpr uint32_t kExponent = 0x7f800000u;
  uint32_t bad = 0;
  for (const float value : values) bad |= (std::bit_cast<uint32_t>(value) & kExponent) == kExponent ? 1u : 0u;
  return bad == 0;
}

[[noreturn]] void fail_not_finite(const TensorInfo& tensor, const std::string& file, size_t begin,
                                  std::span<const float> values) {
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  const size_t index = begin + static_cast<size_t>(bad - values.begin());
  std::string found = std::isnan(*bad) ? "NaN" : *bad > 0 ? "infinity" : "minus infinity";
  if (tensor.dtype == DType::kF64) {
    const double stored = load<double>(tensor.bytes.data(), index);
    if (std::isfinite(stored)) found = fmt::format("{}, beyond f32", stored);
  }
  fail(tensor, file, fmt::format("element {}", index), found, "a finite number");
}

void check_room(const TensorInfo& tensor, size_t room) {
  if (room * static_cast<size_t>(size_of(tensor.dtype)) == tensor.bytes.size()) return;
  throw Error(ErrorCode::kInternal, {.item = fmt::format("tensor '{}'", printable(tensor.name)),
                                     .found = fmt::format("room for {} elements", room),
                                     .expected = to_string(tensor.shape)});
}

}  // namespace

void copy_as_f32(const TensorInfo& tensor, const std::string& file, std::span<float> out) {
  check_room(tensor, out.size());
  copy_part_as_f32(tensor, file, 0, out);
}

void copy_part_as_f32(const TensorInfo& tensor, const std::string& file, int64_t begin,
                      std::span<float> out) {
  constexpr size_t kPart = 8192;  // stays in the first-level cache between conversion and check
  for (size_t done = 0; done < out.size(); done += kPart) {
    const std::span<float> part = out.subspan(done, std::min(kPart, out.size() - done));
    const size_t from = static_cast<size_t>(begin) + done;
    convert_part(tensor, from, part);
    if (!all_finite(part)) fail_not_finite(tensor, file, from, part);
  }
}

void copy_as_i64(const TensorInfo& tensor, const std::string& file, std::span<int64_t> out) {
  check_room(tensor, out.size());
  const std::byte* bytes = tensor.bytes.data();
  switch (tensor.dtype) {
    case DType::kBool:
    case DType::kU8:
      return convert<uint8_t>(bytes, out);
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
    case DType::kI64:
      return convert<int64_t>(bytes, out);
    case DType::kU64: {
      convert<uint64_t>(bytes, out);
      const auto wrapped = std::ranges::find_if(out, [](int64_t value) { return value < 0; });
      if (wrapped == out.end()) return;
      return fail(tensor, file, fmt::format("element {}", wrapped - out.begin()),
                  fmt::format("{}", static_cast<uint64_t>(*wrapped)), "an integer below 2^63");
    }
    default:
      fail(tensor, file, "", "dtype " + std::string(name_of(tensor.dtype)), "an integer type");
  }
}

}  // namespace linformer
