// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "checkpoint/tensor_info.h"

namespace linformer {

/// Every element of a tensor of any readable type as f32, rounded to nearest (F64 and integers), in row-major
/// order. `out` has one place for each; `file` is for messages. Throws Error(kInput) naming file, tensor and
/// element for NaN, infinity, or a value beyond f32.
void copy_as_f32(const TensorInfo& tensor, const std::string& file, std::span<float> out);

/// The same for elements [begin, begin + out.size()) alone.
void copy_part_as_f32(const TensorInfo& tensor, const std::string& file, int64_t begin, std::span<float> out);

/// Every element of a tensor of an integer type or BOOL. Throws Error(kInput) for a floating-point tensor and
/// for U64 beyond 2^63 - 1.
void copy_as_i64(const TensorInfo& tensor, const std::string& file, std::span<int64_t> out);

/// Whether no value is NaN or infinite; without branches, so that it becomes vector code.
bool all_finite(std::span<const float> values);

}  // namespace linformer
