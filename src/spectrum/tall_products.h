// SPDX-License-Identifier: MIT
// Products of tall f32 matrices with each other and with small f64 ones, all sums in f64.
#pragma once

#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

/// Works on run.threads threads; results do not depend on their number. Buffers are kept between calls.
class TallProducts {
 public:
  explicit TallProducts(Run& run) : run_(run) {}

  /// Bytes of its buffers for products of matrices of so many columns.
  static int64_t buffer_bytes(int64_t left, int64_t right, int64_t rows, int64_t threads);

  /// c[a.cols, b.cols] = aᵀ b, row-major, from a[rows, ·] and b[rows, ·].
  void cross(MatrixView<const float> a, MatrixView<const float> b, double* c);

  /// out = a c, or out − a c where `subtract`, rounded once: a[rows, ·], c[a.cols, out.cols] row-major. a and
  /// out must not overlap.
  void multiply(MatrixView<const float> a, const double* c, bool subtract, MatrixView<float> out);

 private:
  Run& run_;
  Buffer<double> rooms_, sums_;
};

}  // namespace linformer
