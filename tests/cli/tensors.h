// SPDX-License-Identifier: MIT
// Tensor files that the tests write and read.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "checkpoint/tensor_file.h"
#include "checkpoint/tensor_values.h"

namespace linformer {

inline std::vector<float> floats_of(const TensorFile& file, const std::string& name) {
  const TensorInfo& tensor = file.get(name);
  std::vector<float> values(static_cast<size_t>(element_count(tensor.shape).value()));
  copy_as_f32(tensor, file.name(), values);
  return values;
}

inline std::vector<int64_t> integers_of(const TensorFile& file, const std::string& name) {
  const TensorInfo& tensor = file.get(name);
  std::vector<int64_t> values(static_cast<size_t>(element_count(tensor.shape).value()));
  copy_as_i64(tensor, file.name(), values);
  return values;
}

/// A safetensors file of one f32 tensor.
inline void write_tensor(const std::string& path, const std::string& name, Shape shape,
                         const std::vector<float>& values) {
  SafetensorsWriter writer(path, {{name, DType::kF32, std::move(shape)}});
  writer.write(0, 0, std::span<const float>(values));
  writer.commit();
}

/// Rows that sum to 1, [sequences, heads, rows, columns]; `causal`: nothing right of the diagonal.
inline std::vector<float> distributions(const Shape& shape, bool causal) {
  std::vector<float> values;
  const int64_t rows = shape[2], columns = shape[3];
  for (int64_t row = 0; row < shape[0] * shape[1] * rows; ++row) {
    const int64_t allowed = causal ? row % rows + 1 : columns;
    double sum = 0;
    const auto weight = [&](int64_t j) {
      return j < allowed ? static_cast<double>(1 + (row * 7 + j * j * 5 + row * j) % 23) : 0.0;
    };
    for (int64_t j = 0; j < columns; ++j) sum += weight(j);
    for (int64_t j = 0; j < columns; ++j) values.push_back(static_cast<float>(weight(j) / sum));
  }
  return values;
}

}  // namespace linformer
