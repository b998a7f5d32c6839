// SPDX-License-Identifier: MIT
// Passes over a matrix on its way to a band reduction: its size, sums of its columns and rows, a copy less
// two or three products of vectors. Vector code, chosen at run time for the machine.
#pragma once

#include <cstdint>

namespace linformer {

/// P [rows, cols] at a row stride of any number of elements. Nothing is owned.
struct RowMajor {
  const float* data;
  int64_t rows, cols, stride;
};

/// The largest |entry|, 0 without any; not finite if any of them is not.
float largest_magnitude(const RowMajor& p);

/// With X = scale · P, g [rows] and h [cols]: along = gᵀX, sums = 1ᵀX (null: not wanted) and across = Xh, in
/// f32 over 16 rows or 512 columns at a time and then in f64.
void weighted_sums(const RowMajor& p, float scale, const float* g, const float* h, double* along,
                   double* sums, double* across);

/// scale · P − Σ left_k right_kᵀ over the first `count` of them, 2 or 3; left [rows], right [cols].
struct LessProducts {
  float scale;
  int count;
  const float* left[3];
  const float* right[3];
};

/// Writes that to to [rows, cols] at to_stride.
void copy_less_products(const RowMajor& p, const LessProducts& less, float* to, int64_t to_stride);

/// Writes its transpose to to [cols, rows] at to_stride.
void copy_transposed_less_products(const RowMajor& p, const LessProducts& less, float* to, int64_t to_stride);

}  // namespace linformer
