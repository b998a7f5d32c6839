// SPDX-License-Identifier: MIT
#include "spectrum/statistics.h"

#include <algorithm>
#include <cmath>

#include "kernels/softmax.h"

namespace linformer {
namespace {

constexpr double kRounding = 1e-12;

// curve[m − 1] = Σ_{i<=m} wᵢ / total, w = σ^power; and where each share is reached.
std::array<int64_t, 3> follow(std::span<const double> values, bool squared, double total,
                              std::span<double> curve) {
  std::array<int64_t, 3> k{};
  double partial = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    partial += squared ? values[i] * values[i] : values[i];
    if (!curve.empty()) curve[i] = partial / total;
    for (size_t s = 0; s < kShares.size(); ++s)
      if (k[s] == 0 && partial >= kShares[s] * total * (1 - kRounding)) k[s] = static_cast<int64_t>(i) + 1;
  }
  return k;
}

double spectral_entropy(std::span<const double> values, double sum) {
  double entropy = 0;
  for (const double value : values)
    if (const double p = value / sum; p > 0) entropy -= p * std::log(p);
  return entropy;
}

}  // namespace

SpectrumStatistics spectrum_statistics(std::span<const double> values, double scale,
                                       std::span<double> sigma_curve, std::span<double> energy_curve) {
  SpectrumStatistics s;
  for (const double value : values) {
    s.sum += value;
    s.energy += value * value;
  }
  if (s.sum <= static_cast<double>(values.size()) * 0x1p-23 * scale || s.energy == 0) {
    std::fill(sigma_curve.begin(), sigma_curve.end(), 1.0);
    std::fill(energy_curve.begin(), energy_curve.end(), 1.0);
    return {};
  }
  s.k_sigma = follow(values, false, s.sum, sigma_curve);
  s.k_energy = follow(values, true, s.energy, energy_curve);
  s.effective_rank = std::exp(spectral_entropy(values, s.sum));
  s.stable_rank = s.energy / (values[0] * values[0]);
  s.gap = values.size() > 1 ? 1 - values[1] / values[0] : 1;
  s.top_energy = 1 / s.stable_rank;
  return s;
}

double curve_at(std::span<const double> curve, int64_t m) {
  if (m <= 0) return 0;
  if (curve.empty()) return 1;
  return curve[static_cast<size_t>(std::min(m, static_cast<int64_t>(curve.size()))) - 1];
}

MapMoments map_moments(MatrixView<const float> p) {
  MapMoments moments;
  if (p.rows == 0 || p.cols == 0) return moments;
  double entropies = 0, squares_of_sums = 0;
  for (int64_t i = 0; i < p.rows; ++i) {
    const RowMoments row = row_moments(p.row(i), p.cols);
    entropies += row.entropy;
    squares_of_sums += row.sum * row.sum;
    moments.squared_norm += row.squares;
  }
  moments.row_entropy = entropies / static_cast<double>(p.rows);
  moments.sigma1_bound = std::sqrt(squares_of_sums / static_cast<double>(p.cols));
  return moments;
}

}  // namespace linformer
