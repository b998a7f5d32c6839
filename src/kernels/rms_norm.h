// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace linformer {

/// y[rows, cols] = x / √(mean of the row's x² + epsilon) · weight, both dense; y may be x. Sums are f32
/// lanes, then f64.
void rms_norm_rows(const float* x, int64_t rows, int64_t cols, const float* weight, float epsilon, float* y);

}  // namespace linformer
