// SPDX-License-Identifier: MIT
// Softmax of rows of logits, and what rows of either are summed up by. Vector code, chosen at run time for
// the machine; results depend on the instruction set in the last bits, on nothing else.
#pragma once

#include <cstdint>

namespace linformer {

/// In place: row i of x[rows, cols], at x + i * stride, becomes softmax(scale x_i) over its first valid(i)
/// columns, the rest zero; valid(i) = causal ? min(cols, first_row + i + 1) : cols. The row's maximum is
/// subtracted first; exp is within 2 ulp of the rounded argument, and 0 below e^-80 (1.8e-35); sums are f32
/// lanes over at most 32 vectors, then f64. scale >= 0, and > 0 where a row holds −inf. A row that is −inf
/// throughout gives zeros; NaN or +inf makes its row NaN.
void softmax_rows(float* x, int64_t rows, int64_t cols, int64_t stride, float scale, bool causal,
                  int64_t first_row);

/// Of w = softmax(alpha x): the entropy −Σ w ln w in nats, and the variance of x under w.
struct SoftmaxMoments {
  double entropy;
  double variance;
};

/// Moments over x[count] without writing w: with t = x − max x and Z = Σ exp(alpha t),
/// H = ln Z − alpha E_w[t], and dH/dalpha = −alpha Var_w(x). alpha >= 0, and > 0 where x holds −inf. Both are
/// 0 for count = 0; the entropy is NaN where all is −inf or something is NaN. Error about 1e-7 of max(1, ln
/// count).
SoftmaxMoments softmax_moments(const float* x, int64_t count, float alpha);

/// Of a row of probabilities.
struct RowMoments {
  double sum, squares;
  double entropy;  ///< −Σ p ln p in nats, 0 ln 0 = 0
};

/// Sums over p[count], p >= 0, in f64; the terms of the entropy are f32, summed as those of
/// softmax_moments(), and 0 where p is subnormal: error below 5e-7 of max(1, ln count).
/// NaN gives NaN.
RowMoments row_moments(const float* p, int64_t count);

}  // namespace linformer
