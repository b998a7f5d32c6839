// SPDX-License-Identifier: MIT
#include "spectrum/fast_input.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/index.h"
#include "base/random.h"
#include "base/subnormals.h"
#include "spectrum/methods.h"

namespace linformer {
namespace {

// The power of two that brings the largest |entry| to [1/2, 1); 1 for a matrix of zeros.
float scale_of(float largest) {
  int exponent = 0;
  std::frexp(largest, &exponent);
  // Beyond these the factor would not be a normal number; entries that small are zero beside 1.
  return largest == 0 ? 1.0f : std::ldexp(1.0f, std::clamp(-exponent, -126, 126));
}

}  // namespace

FastInput::FastInput(MatrixForm form, int64_t rows, int64_t cols, float* workspace)
    : form_(form),
      rows_(rows),
      cols_(cols),
      left_{workspace, workspace + rows},
      right_{workspace + 2 * rows, workspace + 2 * rows + cols} {
  if (form == MatrixForm::kCentred) {
    std::fill_n(left_[0], rows, 1.0f);
  } else {
    make_random_reflection();
  }
  if (form == MatrixForm::kReflected) make_mean_reflection();
}

// G = I − 2ggᵀ; g is left₀.
void FastInput::make_random_reflection() {
  constexpr uint32_t kPurpose = 0x6A57;
  Random random({.seed = 0, .purpose = kPurpose, .index = static_cast<uint64_t>(rows_)});
  double squares = 0;
  for (int64_t i = 0; i < rows_; ++i) left_[0][i] = random.normal();
  for (int64_t i = 0; i < rows_; ++i) squares += std::pow(static_cast<double>(left_[0][i]), 2);
  for (int64_t i = 0; i < rows_; ++i) {
    left_[0][i] = static_cast<float>(static_cast<double>(left_[0][i]) / std::sqrt(squares));
  }
}

// H = I − vvᵀ/(1 + |y₁|), v = y ± e₁ with the sign of y₁, y = G 1/√rows; v is left₁.
void FastInput::make_mean_reflection() {
  const double root = std::sqrt(static_cast<double>(rows_));
  double along = 0;  // g · 1/√rows
  for (int64_t i = 0; i < rows_; ++i) along += static_cast<double>(left_[0][i]) / root;
  for (int64_t i = 0; i < rows_; ++i) {
    left_[1][i] = static_cast<float>(1 / root - 2 * along * static_cast<double>(left_[0][i]));
  }
  sign_ = left_[1][0] < 0 ? -1.0f : 1.0f;
  left_[1][0] += sign_;
}

// right₀ = 2 gᵀP and, of the reflected form, right₁ = vᵀGP / (1 + |y₁|), both scaled, where vᵀG = 1ᵀ/√rows ±
// (e₁ − 2 g₁ g)ᵀ.
void FastInput::apply_reflections(MatrixView<const float> p, float scale) const {
  const float* const g = left_[0];
  std::vector<double> along(index(p.cols)), sums(index(p.cols));
  weighted_column_sums(row_major(p), scale, g, along.data(), sums.data());
  std::ranges::transform(along, right_[0], [](double x) { return static_cast<float>(2 * x); });
  if (form_ == MatrixForm::kPlain) return;
  const double root = std::sqrt(static_cast<double>(p.rows)), s = sign_, g0 = g[0];
  const double divisor = std::abs(static_cast<double>(left_[1][0]));  // |y₁| + 1
  for (size_t j = 0; j < sums.size(); ++j) {
    const double first = scale * p.data[j];
    right_[1][j] = static_cast<float>((sums[j] / root + s * (first - 2 * g0 * along[j])) / divisor);
  }
}

void FastInput::take_means(MatrixView<const float> p, float scale) const {
  std::vector<double> means(index(cols_));
  column_means(p, means);
  std::ranges::transform(means, right_[0], [=](double mean) { return static_cast<float>(scale * mean); });
}

float FastInput::write(MatrixView<const float> p, float largest, float* a, int64_t tall, int64_t n,
                       int64_t stride) const {
  constexpr float kSubnormalsCount = 0x1p-80f;  // beside a largest entry below it
  std::optional<SubnormalsAreZero> zero;
  if (largest >= kSubnormalsCount) zero.emplace();
  const float scale = scale_of(largest);
  form_ == MatrixForm::kCentred ? take_means(p, scale) : apply_reflections(p, scale);
  LessProducts less{.scale = scale, .left = {left_[0], nullptr}, .right = {right_[0], nullptr}};
  if (form_ == MatrixForm::kReflected) less.left[1] = left_[1], less.right[1] = right_[1];
  const bool turned = rows_ < cols_ || form_ == MatrixForm::kReflected;
  const auto copy = turned ? copy_transposed_less_products : copy_less_products;
  copy(row_major(p), less, a, stride);
  const int64_t rows = turned ? cols_ : rows_, cols = turned ? rows_ : cols_;
  for (int64_t i = 0; i < tall; ++i)
    std::fill(a + i * stride + (i < rows ? cols : 0), a + i * stride + n, 0.0f);
  return scale;
}

}  // namespace linformer
