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

// Between a trace that is refuted and one that is not, the last that is not.
template <class Refuted>
double border(double refuted, double possible, Refuted&& is_refuted) {
  for (int i = 0; i < 60; ++i) {
    const double middle = (refuted + possible) / 2;
    (is_refuted(middle) ? refuted : possible) = middle;
  }
  return refuted;
}

}  // namespace

// Were tr N = T, A = mean − N would have eigenvalues of at most `mean`, and Σ gᵀAg is not negative. The
// exponent grows with T and as `mean` falls, because T² <= size · energy.
double most_trace(const TraceFacts& n, int64_t probes, double mean, double risk) {
  const auto size = static_cast<double>(n.size);
  const double most = std::sqrt(size * n.energy);  // by Cauchy and Schwarz
  if (mean * size >= most) return most;
  return border(most, mean * size, [&](double trace) {
    return exponent(probes, trace - mean * size, squares_about(mean, n, trace), mean) > -std::log(risk);
  });
}

// A = N − mean has eigenvalues of at most norm − mean. The exponent grows as T falls below energy / mean.
double least_trace(const TraceFacts& n, int64_t probes, double mean, double risk) {
  if (mean <= 0) return 0;
  const auto size = static_cast<double>(n.size);
  return border(0, std::min(mean * size, n.energy / mean), [&](double trace) {
    return exponent(probes, mean * size - trace, squares_about(mean, n, trace), n.norm - mean) >
           -std::log(risk);
  });
}

}  // namespace linformer
