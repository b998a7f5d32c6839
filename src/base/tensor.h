// SPDX-License-Identifier: MIT
// Element types, shapes, and non-owning views. Row-major; strides in elements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// Element types of stored tensors, named as safetensors names them.
enum class DType { kBool, kU8, kI8, kU16, kI16, kF16, kBF16, kU32, kI32, kF32, kU64, kI64, kF64 };

/// Bytes of one element.
int64_t size_of(DType type);
/// The safetensors name, e.g. "F32".
std::string_view name_of(DType type);
/// The type with this safetensors name, or nothing.
std::optional<DType> dtype_from_name(std::string_view name);
/// Whether values are floating point.
bool is_float(DType type);

using Shape = std::vector<int64_t>;

/// "[2, 3]".
std::string to_string(const Shape& shape);
/// Number of elements, or nothing if a size is negative or the product overflows. Rank 0 has one element.
std::optional<int64_t> element_count(const Shape& shape);

/// A matrix [rows, cols] whose row i begins at data + i * stride.
template <class T>
struct MatrixView {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  T* row(int64_t i) const { return data + i * stride; }
  operator MatrixView<const T>() const { return {data, rows, cols, stride}; }
};

/// Matrices [batch, heads, rows, cols].
template <class T>
struct HeadsView {
  T* data = nullptr;
  int64_t batch = 0;
  int64_t heads = 0;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t batch_stride = 0;
  int64_t head_stride = 0;
  int64_t row_stride = 0;

  MatrixView<T> matrix(int64_t b, int64_t h) const {
    return {data + b * batch_stride + h * head_stride, rows, cols, row_stride};
  }
  operator HeadsView<const T>() const {
    return {data, batch, heads, rows, cols, batch_stride, head_stride, row_stride};
  }
};

}  // namespace linformer
