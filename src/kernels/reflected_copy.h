// SPDX-License-Identifier: MIT
// Passes over a matrix on its way to a band reduction: its size, sums of its columns, a copy less one or two
// products of vectors. Vector code, chosen at run time for the machine.
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

/// along[j] = Σᵢ gᵢ · scale · P[i, j] and sums[j] = Σᵢ scale · P[i, j], g [rows], 16 rows at a time in f32
/// and then in f64.
void weighted_column_sums(const RowMajor& p, float scale, const float* g, double* along, double* sums);

/// scale · P − left₀ right₀ᵀ − left₁ right₁ᵀ, left [rows], right [cols]; left₁ and right₁ may be null: there
/// is one product.
struct LessProducts {
  float scale;
  const float* left[2];
  const float* right[2];
};

/// Writes that to to [rows, cols] at to_stride.
void copy_less_products(const RowMajor& p, const LessProducts& less, float* to, int64_t to_stride);

/// Writes its transpose to to [cols, rows] at to_stride.
void copy_transposed_less_products(const RowMajor& p, const LessProducts& less, float* to, int64_t to_stride);

}  // namespace linformer
