// SPDX-License-Identifier: MIT
#include "accuracy/measures.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace linformer {
namespace {

// Below this share of ‖O‖², ‖O − 1v̄ᵀ‖² is the rounding of f32.
constexpr double kRounding = 1e-12;

double square(double x) { return x * x; }

}  // namespace

std::vector<double> mean_row(MatrixView<const float> m) {
  std::vector<double> mean(static_cast<size_t>(m.cols));
  for (int64_t i = 0; i < m.rows; ++i) {
    std::transform(mean.begin(), mean.end(), m.row(i), mean.begin(),
                   [](double sum, float x) { return sum + static_cast<double>(x); });
  }
  for (double& x : mean) x /= static_cast<double>(m.rows);
  return mean;
}

HeadErrors head_errors(MatrixView<const float> exact, MatrixView<const float> other,
                       MatrixView<const float> v) {
  const std::vector<double> mean = mean_row(v);
  double error = 0, norm = 0, from_mean = 0;
  for (int64_t i = 0; i < exact.rows; ++i) {
    for (int64_t c = 0; c < exact.cols; ++c) {
      const double o = exact.row(i)[c];
      error += square(static_cast<double>(other.row(i)[c]) - o);
      norm += square(o);
      from_mean += square(o - mean[static_cast<size_t>(c)]);
    }
  }
  HeadErrors errors{.output_error = norm > 0 ? std::sqrt(error / norm) : std::sqrt(error)};
  if (from_mean > kRounding * norm) errors.skill = 1 - error / from_mean;
  return errors;
}

double mean_divergence(MatrixView<const float> p, MatrixView<const float> other) {
  double sum = 0;
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t j = 0; j < p.cols; ++j) {
      const double x = p.row(i)[j], y = other.row(i)[j];
      if (x == 0) continue;
      if (y == 0) return std::numeric_limits<double>::infinity();
      sum += x * std::log(x / y);
    }
  }
  return sum / static_cast<double>(p.rows);
}

double relative_error(MatrixView<const float> a, MatrixView<const float> b) {
  double error = 0, norm = 0;
  for (int64_t i = 0; i < b.rows; ++i) {
    for (int64_t j = 0; j < b.cols; ++j) {
      error += square(static_cast<double>(a.row(i)[j]) - static_cast<double>(b.row(i)[j]));
      norm += square(b.row(i)[j]);
    }
  }
  return norm > 0 ? std::sqrt(error / norm) : std::sqrt(error);
}

}  // namespace linformer
