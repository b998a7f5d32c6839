// SPDX-License-Identifier: MIT
// P on its way into the band reduction: scaled, and reflected, or centred where that takes a reduction of its
// own. Private to this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "base/tensor.h"

namespace linformer {

/// Q P, with Q orthogonal and Q 1/√rows = ±e₁, has the singular values of P; without its first row it has
/// those of the centred P. The plain form is G P, Q is HG, and the centred form G times the centred P, with a
/// random reflection G; and each is reflected at random from the right too. One side alone leaves equal
/// columns or rows equal, and what is equal is rounded alike, all the way through.
enum class MatrixForm { kPlain, kReflected, kCentred };

/// A maker of A from many P of one shape and form. The workspace is the caller's.
class FastInput {
 public:
  /// Floats of workspace.
  static int64_t floats(int64_t rows, int64_t cols) { return 3 * (rows + cols); }

  FastInput(MatrixForm form, int64_t rows, int64_t cols, float* workspace);

  /// Writes A, P in its form times a power of two that brings `largest`, the largest |entry| of P, to [1/2,
  /// 1), transposed if that makes it tall or has QP's first row as its first column, at a row stride of
  /// `stride`, with zeros up to [tall, n]. Returns the power. P must be finite.
  float write(MatrixView<const float> p, float largest, float* a, int64_t tall, int64_t n, int64_t stride);

 private:
  void make_mean_reflection();
  void find_products(MatrixView<const float> p, float scale);

  MatrixForm form_;
  int64_t rows_, cols_;
  int products_;  ///< A is made of scale · P − Σ left_k right_kᵀ, the last for the columns' reflection
  float* left_[3];                             ///< [rows]
  float* right_[3];                            ///< [cols]
  float* g_;                                   ///< one of left_
  float sign_ = 1;                             ///< of y₁, see make_mean_reflection()
  std::vector<double> along_, sums_, across_;  ///< of the matrix at hand, see weighted_sums()
};

}  // namespace linformer
