// SPDX-License-Identifier: MIT
#include "spectrum/random_trace.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace linformer {
namespace {

// With a_i the eigenvalues of a symmetric A, Σ a_i = −deviation, Σ a_i² = squares and a_i <= most:
// P(Σ gᵀAg >= 0) <= exp(−exponent). For log E exp(t a (g² − 1)) = φ(2ta)/2, φ(x) = −log(1 − x) − x, and
// φ(x)/x² increases, so that all a_i that count being `most` is the worst case.
double exponent(int64_t probes, double deviation, double squares, double most) {
  if (deviation <= 0) return 0;
  if (squares <= 0 || most <= 0) return std::numeric_limits<double>::infinity();
  const double x = deviation * most / squares, half = static_cast<double>(probes) / 2;
  if (x < 1e-4) return half * deviation * deviation / squares * (0.5 - x / 3);
  return half * squares / (most * most) * (x - std::log1p(x));
}

// ‖N − mean‖_F² where tr N is `trace`.
double squares_about(double mean, const TraceFacts& n, double trace) {
  return n.energy - 2 * mean * trace + mean * mean * static_cast<double>(n.size);
}

// Between refuted and possible traces, from the side of the refuted ones.
template <class Refuted>
double border(double refuted, double possible, Refuted&& is_refuted) {
  for (int i = 0; i < 60; ++i) {
    const double middle = (refuted + possible) / 2;
    (is_refuted(middle) ? refuted : possible) = middle;
  }
  return refuted;
}

}  // namespace

// Were tr N = T, then for any m the mean would be at most m as seldom as Σ gᵀAg >= 0, A = m − N with
// eigenvalues of at most m. The exponent grows with T and as m falls, because T² <= size · energy.
double most_trace(const TraceFacts& n, int64_t probes, double mean, double risk) {
  const auto size = static_cast<double>(n.size);
  const double most = std::sqrt(size * n.energy);  // by Cauchy and Schwarz
  if (mean * size >= most) return most;
  return border(most, mean * size, [&](double trace) {
    return exponent(probes, trace - mean * size, squares_about(mean, n, trace), mean) > -std::log(risk);
  });
}

// Likewise with A = N − m, whose eigenvalues are at most norm − m. The exponent grows as T falls where
// T <= energy / m, which is so for a mean that T² <= size · energy allows.
double least_trace(const TraceFacts& n, int64_t probes, double mean, double risk) {
  const auto size = static_cast<double>(n.size);
  mean = std::min(mean, std::sqrt(n.energy / size));
  return border(0, mean * size, [&](double trace) {
    return exponent(probes, mean * size - trace, squares_about(mean, n, trace), n.norm - mean) >
           -std::log(risk);
  });
}

}  // namespace linformer
