// SPDX-License-Identifier: MIT
#include "accuracy/measures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/index.h"

namespace linformer {
namespace {

// Below this share of ‖O‖², ‖O − 1v̄ᵀ‖² is the rounding of f32.
constexpr double kRounding = 1e-12;

double square(double x) { return x * x; }

}  // namespace

MeanValues::MeanValues(MatrixView<const float> v, bool causal)
    : v_(v), causal_(causal), sum_(index(v.cols)), mean_(index(v.cols)) {}

const std::vector<double>& MeanValues::next() {
  const int64_t seen = causal_ ? seen_ + 1 : v_.rows;
  if (seen == seen_) return mean_;
  for (; seen_ < seen; ++seen_) {
    std::transform(sum_.begin(), sum_.end(), v_.row(seen_), sum_.begin(),
                   [](double sum, float x) { return sum + static_cast<double>(x); });
  }
  std::ranges::transform(sum_, mean_.begin(), [&](double sum) { return sum / static_cast<double>(seen_); });
  return mean_;
}

HeadErrors head_errors(MatrixView<const float> exact, MatrixView<const float> other,
                       MatrixView<const float> v, bool causal) {
  MeanValues means(v, causal);
  double error = 0, norm = 0, from_mean = 0;
  for (int64_t i = 0; i < exact.rows; ++i) {
    const std::vector<double>& mean = means.next();
    for (int64_t c = 0; c < exact.cols; ++c) {
      const double o = exact.row(i)[c];
      error += square(static_cast<double>(other.row(i)[c]) - o);
      norm += square(o);
      from_mean += square(o - mean[index(c)]);
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
