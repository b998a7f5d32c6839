// SPDX-License-Identifier: MIT
#include "spectrum/centring.h"

#include <algorithm>
#include <cmath>

#include "spectrum/methods.h"

namespace linformer {

// H = I − vvᵀ/(1 + 1/√rows), v = 1/√rows + e₁.
void reflect_rows(MatrixView<const float> p, Reflection w) {
  const double root = std::sqrt(static_cast<double>(p.rows));
  column_means(p, {w.right, static_cast<size_t>(p.cols)});
  for (int64_t j = 0; j < p.cols; ++j) w.right[j] = root * w.right[j] + static_cast<double>(p.data[j]);
  std::fill(w.left, w.left + p.rows, 1 / (root + 1));
  w.left[0] = 1;
}

// H = I − vvᵀ/(1 + |x₁|), x = p̄/‖p̄‖, s = sign x₁, v = x + s e₁. Returns Σ(aᵢ − ā)², a = −s P x.
double reflect_cols(MatrixView<const float> p, Reflection w) {
  column_means(p, {w.right, static_cast<size_t>(p.cols)});
  double squares = 0;
  for (int64_t j = 0; j < p.cols; ++j) squares += w.right[j] * w.right[j];
  // Without a mean there is nothing to remove, and any direction will do.
  for (int64_t j = 0; j < p.cols; ++j) w.right[j] = squares > 0 ? w.right[j] / std::sqrt(squares) : (j == 0);
  const double sign = w.right[0] < 0 ? -1 : 1;
  const double scale = 1 / (1 + std::abs(w.right[0]));
  double mean = 0;
  for (int64_t i = 0; i < p.rows; ++i) {
    double along = 0;
    for (int64_t j = 0; j < p.cols; ++j) along += static_cast<double>(p.row(i)[j]) * w.right[j];
    w.left[i] = along;
    mean += along / static_cast<double>(p.rows);
  }
  double spread = 0;
  for (int64_t i = 0; i < p.rows; ++i) {
    spread += (w.left[i] - mean) * (w.left[i] - mean);
    w.left[i] = scale * (w.left[i] + sign * static_cast<double>(p.row(i)[0]));
  }
  w.right[0] += sign;
  return spread;
}

}  // namespace linformer
