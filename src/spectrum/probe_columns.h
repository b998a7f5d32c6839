// SPDX-License-Identifier: MIT
// Tall matrices whose columns have nothing to do with each other: column by column, on all threads.
#pragma once

#include <span>
#include <vector>

#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

/// aᵀ_c b_c of each column c, in f64; whatever the number of threads.
std::vector<double> column_dots(MatrixView<const float> a, MatrixView<const float> b, const Run& run);

/// b_c += factor_c a_c.
void add_scaled_columns(std::span<const double> factors, MatrixView<const float> a, MatrixView<float> b,
                        const Run& run);

/// Divides each column by its norm, or makes it zero where that is not above `least`. Returns the norms, zero
/// for such columns.
std::vector<double> normalise_columns(MatrixView<float> a, double least, const Run& run);

}  // namespace linformer
