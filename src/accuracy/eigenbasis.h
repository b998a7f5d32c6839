// SPDX-License-Identifier: MIT
// Eigenvectors of AᵀA, which are the right singular vectors of A, and what lies in their span.
#pragma once

#include <cstdint>

#include "accuracy/head_workspace.h"
#include "base/memory.h"
#include "base/tensor.h"

namespace linformer {

/// The eigenvectors of largest eigenvalue, largest first, of length 1.
struct Eigenbasis {
  MatrixView<const float> rows;     ///< [count, n]
  MatrixView<const float> columns;  ///< [n, count], the same
};

/// Adds the lower triangle, to LAPACK, of AᵀA in f64 to `sum` [n, n]; A [rows, n].
void add_gram(MatrixView<const float> a, MatrixView<double> sum, HeadWorkspace& workspace);

/// Of the symmetric matrix whose lower triangle, to LAPACK, `gram` [n, n] holds; it is overwritten. Fills
/// `rows` and `columns`, whose sizes say how many are wanted.
Eigenbasis eigenbasis(MatrixView<double> gram, MatrixView<float> rows, MatrixView<float> columns,
                      HeadWorkspace& workspace);

/// The same of AᵀA, its `count` first, in the workspace.
Eigenbasis right_singular_vectors(MatrixView<const float> a, int64_t count, HeadWorkspace& workspace);

/// out = U Uᵀ x, U [n, k] the first k columns of the basis; x and out [n, d].
void project(const Eigenbasis& basis, int64_t k, MatrixView<const float> x, MatrixView<float> out,
             HeadWorkspace& workspace);

}  // namespace linformer
