// SPDX-License-Identifier: MIT
#include "base/tensor.h"

#include <array>
#include <utility>

namespace linformer {
namespace {

struct DTypeFacts {
  DType type;
  std::string_view name;
  int64_t bytes;
  bool floating;
};

constexpr std::array<DTypeFacts, 13> kDTypes = {{{DType::kBool, "BOOL", 1, false},
                                                 {DType::kU8, "U8", 1, false},
                                                 {DType::kI8, "I8", 1, false},
                                                 {DType::kU16, "U16", 2, false},
                                                 {DType::kI16, "I16", 2, false},
                                                 {DType::kF16, "F16", 2, true},
                                                 {DType::kBF16, "BF16", 2, true},
                                                 {DType::kU32, "U32", 4, false},
                                                 {DType::kI32, "I32", 4, false},
                                                 {DType::kF32, "F32", 4, true},
                                                 {DType::kU64, "U64", 8, false},
                                                 {DType::kI64, "I64", 8, false},
                                                 {DType::kF64, "F64", 8, true}}};

const DTypeFacts& facts(DType type) { return kDTypes[static_cast<size_t>(type)]; }

}  // namespace

int64_t size_of(DType type) { return facts(type).bytes; }
std::string_view name_of(DType type) { return facts(type).name; }
bool is_float(DType type) { return facts(type).floating; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const DTypeFacts& f : kDTypes) {
    if (f.name == name) return f.type;
  }
  return std::nullopt;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<int64_t> element_count(const Shape& shape) {
  int64_t count = 1;
  for (int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return std::nullopt;
  }
  return count;
}

}  // namespace linformer
