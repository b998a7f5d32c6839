// SPDX-License-Identifier: MIT
// Singular values of a head's P, and of what a basis leaves of it, by LAPACK in f64.
#pragma once

#include <algorithm>
#include <vector>

#include "base/lapack.h"
#include "heads.h"

namespace linformer::testing {

/// Descending; p row-major [rows, cols] is overwritten.
inline std::vector<double> singular_values(std::vector<double>& p, int64_t rows, int64_t cols) {
  const Lapack& lapack = Lapack::get();
  const auto m = static_cast<int32_t>(cols), n = static_cast<int32_t>(rows);
  const int32_t lwork = lapack.gesdd_lwork<double>(m, n);
  std::vector<double> values(static_cast<size_t>(std::min(rows, cols))), work(static_cast<size_t>(lwork));
  std::vector<int32_t> iwork(8 * values.size());
  lapack.gesdd_values(m, n, p.data(), m, values.data(), work.data(), lwork, iwork.data());
  return values;
}

inline std::vector<double> dense_values(const QueryKeyHead& head) {
  std::vector<double> p = dense(head);
  return singular_values(p, head.q.rows, head.k.rows);
}

/// Of (I − QQᵀ)P for q [rows, r] with columns that are orthonormal but for rounding.
inline std::vector<double> residual_values(const QueryKeyHead& head, MatrixView<const float> q) {
  const int64_t rows = head.q.rows, cols = head.k.rows;
  std::vector<double> p = dense(head);
  for (int64_t c = 0; c < q.cols; ++c) {
    std::vector<double> along(static_cast<size_t>(cols));
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) {
        along[static_cast<size_t>(j)] +=
            static_cast<double>(q.row(i)[c]) * p[static_cast<size_t>(i * cols + j)];
      }
    }
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) {
        p[static_cast<size_t>(i * cols + j)] -=
            static_cast<double>(q.row(i)[c]) * along[static_cast<size_t>(j)];
      }
    }
  }
  return singular_values(p, rows, cols);
}

}  // namespace linformer::testing
