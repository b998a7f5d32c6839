// SPDX-License-Identifier: MIT
#include "accuracy/eigenbasis.h"

#include <algorithm>

#include "accuracy/places.h"
#include "base/lapack.h"

namespace linformer {
namespace {

constexpr int64_t kBlockRows = 64;  // of A that are in f64 at a time

}  // namespace

// A row-major block [rows, n] is [n, rows] to LAPACK: AᵀA is its product with its own transpose.
void add_gram(MatrixView<const float> a, MatrixView<double> sum, HeadWorkspace& w) {
  const auto n = static_cast<int32_t>(a.cols);
  const MatrixView<double> block = w.doubles(place::kBlock, kBlockRows, a.cols);
  for (int64_t first = 0; first < a.rows; first += kBlockRows) {
    const int64_t rows = std::min(kBlockRows, a.rows - first);
    for (int64_t i = 0; i < rows; ++i) std::copy_n(a.row(first + i), a.cols, block.row(i));
    Lapack::get().dsyrk_lower(false, n, static_cast<int32_t>(rows), 1, block.data, n, 1, sum.data,
                              static_cast<int32_t>(sum.stride));
  }
}

// LAPACK's columns are our rows, and its first is of the smallest eigenvalue.
Eigenbasis eigenbasis(MatrixView<double> gram, MatrixView<float> rows, MatrixView<float> columns,
                      HeadWorkspace& w) {
  const auto n = static_cast<int32_t>(gram.rows);
  const Lapack& lapack = Lapack::get();
  const Lapack::EigenSizes sizes = lapack.dsyevd_sizes(n);
  lapack.dsyevd_lower(n, gram.data, static_cast<int32_t>(gram.stride),
                      w.doubles(place::kEigenvalues, 1, n).data, w.doubles(place::kWork, 1, sizes.work).data,
                      w.integers(sizes.integers), sizes);
  for (int64_t i = 0; i < rows.rows; ++i) {
    const double* const vector = gram.row(n - 1 - i);
    for (int64_t j = 0; j < n; ++j) columns.row(j)[i] = rows.row(i)[j] = static_cast<float>(vector[j]);
  }
  return {.rows = rows, .columns = columns};
}

Eigenbasis right_singular_vectors(MatrixView<const float> a, int64_t count, HeadWorkspace& w) {
  const int64_t n = a.cols;
  const MatrixView<double> gram = w.doubles(place::kGram, n, n);
  std::fill_n(gram.data, n * n, 0.0);
  add_gram(a, gram, w);
  return eigenbasis(gram, w.matrix(place::kRows, count, n), w.matrix(place::kColumns, n, count), w);
}

void project(const Eigenbasis& basis, int64_t k, MatrixView<const float> x, MatrixView<float> out,
             HeadWorkspace& w) {
  const MatrixView<float> coefficients = w.matrix(place::kCoefficients, k, x.cols);
  MatrixView<const float> rows = basis.rows, columns = basis.columns;
  rows.rows = columns.cols = k;
  w.multiply(rows, x, coefficients);
  w.multiply(columns, coefficients, out);
}

}  // namespace linformer
