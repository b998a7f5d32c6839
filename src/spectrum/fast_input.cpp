// SPDX-License-Identifier: MIT
#include "spectrum/fast_input.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

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

constexpr uint32_t kRowPurpose = 0x6A57, kColumnPurpose = 0x6A58;

// g of a random reflection I − 2ggᵀ.
void draw_unit(uint32_t purpose, std::span<float> g) {
  Random random({.seed = 0, .purpose = purpose, .index = g.size()});
  double squares = 0;
  for (float& x : g) x = random.normal();
  for (const float x : g) squares += static_cast<double>(x) * static_cast<double>(x);
  for (float& x : g) x = static_cast<float>(static_cast<double>(x) / std::sqrt(squares));
}

}  // namespace

FastInput::FastInput(MatrixForm form, int64_t rows, int64_t cols, float* workspace)
    : form_(form),
      rows_(rows),
      cols_(cols),
      products_(form == MatrixForm::kPlain ? 2 : 3),
      along_(index(cols)),
      sums_(index(cols)),
      across_(index(rows)) {
  for (int64_t k = 0; k < 3; ++k) {
    left_[k] = workspace + k * rows;
    right_[k] = workspace + 3 * rows + k * cols;
  }
  g_ = left_[form == MatrixForm::kCentred ? 1 : 0];
  draw_unit(kRowPurpose, {g_, index(rows)});
  draw_unit(kColumnPurpose, {right_[products_ - 1], index(cols)});
  if (form == MatrixForm::kCentred) std::fill_n(left_[0], rows, 1.0f);
  if (form == MatrixForm::kReflected) make_mean_reflection();
}

// H = I − vvᵀ/(1 + |y₁|), v = y ± e₁ with the sign of y₁, y = G 1/√rows; v is left₁.
void FastInput::make_mean_reflection() {
  const double root = std::sqrt(static_cast<double>(rows_));
  double along = 0;  // g · 1/√rows
  for (int64_t i = 0; i < rows_; ++i) along += static_cast<double>(g_[i]) / root;
  for (int64_t i = 0; i < rows_; ++i) {
    left_[1][i] = static_cast<float>(1 / root - 2 * along * static_cast<double>(g_[i]));
  }
  sign_ = left_[1][0] < 0 ? -1.0f : 1.0f;
  left_[1][0] += sign_;
}

// From the left: right₀ = 2 gᵀX, X = scale · P, and of the reflected form right₁ = vᵀGX / (1 + |y₁|), where
// vᵀG = 1ᵀ/√rows ± (e₁ − 2 g₁ g)ᵀ; of the centred one right₀ = p̄ and right₁ = 2 gᵀ(X − 1p̄ᵀ). With M for what
// these leave of X, a last left = 2 M h and right = h make it M (I − 2hhᵀ).
void FastInput::find_products(MatrixView<const float> p, float scale) {
  const float* const h = right_[products_ - 1];
  double* const sums = form_ == MatrixForm::kPlain ? nullptr : sums_.data();
  weighted_sums(row_major(p), scale, g_, h, along_.data(), sums, across_.data());
  const double rows = static_cast<double>(rows_), root = std::sqrt(rows), s = sign_, g0 = g_[0];
  const double divisor = std::abs(static_cast<double>(left_[1][0]));  // |y₁| + 1
  double weight = 0;                                                  // of g
  for (int64_t i = 0; i < rows_; ++i) weight += static_cast<double>(g_[i]);
  for (int64_t j = 0; j < cols_; ++j) {
    const double a = along_[index(j)], sum = sums_[index(j)], mean = sum / rows;
    right_[0][j] = static_cast<float>(form_ == MatrixForm::kCentred ? mean : 2 * a);
    if (form_ == MatrixForm::kCentred) right_[1][j] = static_cast<float>(2 * (a - weight * mean));
    if (form_ != MatrixForm::kReflected) continue;
    const double first = scale * p.data[j];
    right_[1][j] = static_cast<float>((sum / root + s * (first - 2 * g0 * a)) / divisor);
  }
  for (int k = 0; k + 1 < products_; ++k) {
    double dot = 0;
    for (int64_t j = 0; j < cols_; ++j) dot += static_cast<double>(right_[k][j]) * static_cast<double>(h[j]);
    for (int64_t i = 0; i < rows_; ++i) across_[index(i)] -= dot * static_cast<double>(left_[k][i]);
  }
  std::ranges::transform(across_, left_[products_ - 1], [](double x) { return static_cast<float>(2 * x); });
}

float FastInput::write(MatrixView<const float> p, float largest, float* a, int64_t tall, int64_t n,
                       int64_t stride) {
  constexpr float kSubnormalsCount = 0x1p-80f;  // beside a largest entry below it
  std::optional<SubnormalsAreZero> zero;
  if (largest >= kSubnormalsCount) zero.emplace();
  const float scale = scale_of(largest);
  find_products(p, scale);
  LessProducts less{.scale = scale, .count = products_, .left = {}, .right = {}};
  std::ranges::copy(left_, less.left);
  std::ranges::copy(right_, less.right);
  const bool turned = rows_ < cols_ || form_ == MatrixForm::kReflected;
  const auto copy = turned ? copy_transposed_less_products : copy_less_products;
  copy(row_major(p), less, a, stride);
  const int64_t rows = turned ? cols_ : rows_, cols = turned ? rows_ : cols_;
  for (int64_t i = 0; i < tall; ++i)
    std::fill(a + i * stride + (i < rows ? cols : 0), a + i * stride + n, 0.0f);
  return scale;
}

}  // namespace linformer
