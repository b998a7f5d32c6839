// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/tensor.h"
#include "io/file_bytes.h"

namespace linformer {

/// Dimensions that a stored tensor may have.
inline constexpr size_t kMaxRank = 8;

/// A stored tensor, little-endian, at any alignment. Element (i, j, ...) begins strides[0] i + strides[1] j +
/// ... elements after the first one of `bytes`, which belong to the file and end with the last element.
struct TensorInfo {
  std::string name;
  DType dtype;
  Shape shape;
  std::span<const std::byte> bytes;
  Shape strides = {};  ///< >= 0, as many as sizes; empty: row-major, nothing between the elements
  const FileBytes* file = nullptr;  ///< the one of several that it is in

  int64_t elements() const { return element_count(shape).value_or(0); }
};

/// A valid tensor of a kind that this program does not read (FP8, complex, sparse, quantised ...).
struct UnreadableTensor {
  std::string name;
  std::string dtype;
  Shape shape;
  int64_t bytes;
};

/// "tensor 'bert.x'", for messages.
std::string tensor_label(std::string_view name);

/// Parts of this many elements stay in the first-level cache.
inline constexpr int64_t kPartElements = 8192;
inline constexpr size_t kPartBytes = 8 * kPartElements;

/// Elements [begin, begin + count) in row-major order: where they are if they follow one another, else
/// gathered into `room`, for which count <= kPartElements and room.size() >= kPartBytes.
std::span<const std::byte> row_major_part(const TensorInfo& tensor, int64_t begin, int64_t count,
                                          std::span<std::byte> room);

}  // namespace linformer
