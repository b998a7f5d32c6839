// SPDX-License-Identifier: MIT
#include "spectrum/certificates.h"

#include <algorithm>
#include <cmath>

#include "base/index.h"
#include "base/lapack.h"

namespace linformer {
namespace {

double square(double x) { return x * x; }
double square_below(double x) { return square(std::max(x, 0.0)); }

// Eigenvalues of A, descending.
std::vector<double> upper_squares(const RitzValues& ritz, double residual_bound) {
  const int64_t r = std::ssize(ritz.values), size = r + ritz.coupling_rows;
  std::vector<double> a(index(size * size)), diagonal(index(size)), off(index(size)), tau(index(size));
  for (int64_t k = 0; k < r; ++k) {
    a[index(k * size + k)] = square(ritz.values[index(k)]);
    for (int64_t i = 0; i < ritz.coupling_rows; ++i) {
      a[index(k * size + r + i)] = ritz.coupling[index(i * r + k)];
    }
  }
  for (int64_t i = r; i < size; ++i) a[index(i * size + i)] = square(residual_bound);
  const Lapack& lapack = Lapack::get();
  const auto n = static_cast<int32_t>(size);
  std::vector<double> work(index(lapack.dsytrd_lwork(n)));
  lapack.dsytrd_lower(n, a.data(), n, diagonal.data(), off.data(), tau.data(), work.data(),
                      static_cast<int32_t>(work.size()));
  lapack.dsterf(n, diagonal.data(), off.data());
  std::ranges::reverse(diagonal);
  return diagonal;
}

}  // namespace

double residual_energy(const RitzValues& ritz, const CertificateInput& in) {
  if (std::ssize(ritz.values) == in.rows) return 0;
  double explained = 0;
  for (const double value : ritz.values) explained += square(value);
  return std::max(0.0, in.squared_norm - square_below(std::sqrt(explained) - in.rounding));
}

Certificate certify(const RitzValues& ritz, const CertificateInput& in, int64_t count) {
  const double norm = in.squared_norm, e = in.rounding, residual = residual_energy(ritz, in);
  const double residual_bound = std::min(in.residual_bound, std::sqrt(residual));
  const std::vector<double> upper = upper_squares(ritz, residual_bound);

  Certificate c;
  double lower_sum = 0, coupled_sum = 0, least_sum = 0;  // the second without the rounding of S
  for (int64_t m = 1; m <= count; ++m) {
    const double value = ritz.values[index(m - 1)];
    lower_sum += square(value);
    const double coupled = std::max(upper[index(m - 1)], square(residual_bound));
    const double square_most =
        std::min(coupled + in.coupling_rounding, square(value) + square(residual_bound));
    coupled_sum += coupled;
    least_sum += square_most;
    const auto rank = static_cast<double>(std::min(m, ritz.coupling_rows));
    const double upper_sum = std::min(least_sum, coupled_sum + std::sqrt(rank) * in.coupling_rounding);
    const double least = square_below(std::sqrt(lower_sum) - e);
    const double sure_most = std::min(norm, square(std::sqrt(lower_sum) + e) + residual);
    const double most = std::min(sure_most, square(std::sqrt(upper_sum) + e));
    c.sure_energy.push_back({least / norm, sure_most / norm});
    c.energy.push_back({least / norm, most / norm});

    const double low = std::max(value - e, 0.0);
    // e is room for what ‖P‖_F² of f32 entries lacks of that of exact ones, too.
    const double sure_high =
        std::min(std::sqrt(square(value + e) + residual), std::sqrt(sure_most / static_cast<double>(m)) + e);
    c.sure_sigma.push_back({low, sure_high});
    c.sigma.push_back({low, std::min(sure_high, std::sqrt(square_most) + e)});
  }
  return c;
}

// Let v be R's first right singular vector. Of the combinations of Ω's columns the one with coefficients Ωᵀv
// has a part of length χ(width) along v, and independent standard normal ones g_i along the others. Were θ
// below t = √(1 − ε)‖R‖₂, the odd Chebyshev polynomial T of degree 2 steps − 1 in σ/t on it would show
//   χ²(width) T²(1/√(1 − ε)) ε / (1 − ε) < Σ (1 − x_i²) T²(x_i) g_i², x_i = σ_i/t,
// of those i with x_i <= 1, because others only help. (1 − x²) T²(x) is at most 1 and at most
// (2 steps − 1)² x²: of these weights, each at most 1, the sum is at most cols and at most
// (2 steps − 1)² ‖R‖_F²/t². Half of the risk is left to each side, by Chernoff's bound and by Laurent's and
// Massart's. The bound grows with t, so what holds for t holds for θ above it.
double residual_bound(double theta, const ResidualChain& chain, double risk) {
  if (theta <= 0) return 0;
  const auto width = static_cast<double>(chain.width), degree = static_cast<double>(2 * chain.steps - 1);
  const double log_half = std::log(2 / risk);
  const double weights = std::min(static_cast<double>(chain.cols), chain.energy * square(degree / theta));
  const double across = weights + 2 * std::sqrt(weights * log_half) + 2 * log_half;
  double least = 0, most = 1;  // of χ²(width) / width: (y e^(1 − y))^(width / 2) = risk / 2
  for (int i = 0; i < 60; ++i) {
    const double y = (least + most) / 2;
    (width / 2 * (std::log(y) + 1 - y) < -log_half ? least : most) = y;
  }
  const double tangent = across / (least * width);
  double low = 0, high = 1;  // of ε
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    const double chebyshev = std::cosh(degree * std::acosh(1 / std::sqrt(1 - middle)));
    (middle / (1 - middle) * square(chebyshev) < tangent ? low : high) = middle;
  }
  return theta / std::sqrt(1 - high);
}

}  // namespace linformer
