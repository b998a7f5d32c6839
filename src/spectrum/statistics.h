// SPDX-License-Identifier: MIT
// What is said of one spectrum. Definitions: METHODS.md.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/tensor.h"

namespace linformer {

/// The shares q for which the smallest m that reaches q is reported.
inline constexpr std::array<double, 3> kShares = {0.90, 0.95, 0.99};

struct SpectrumStatistics {
  double sum = 0;                     ///< Σσ
  double energy = 0;                  ///< Σσ² = ‖P‖_F²
  double effective_rank = 0;          ///< exp(−Σ p ln p), p = σ/Σσ
  double stable_rank = 0;             ///< Σσ²/σ₁²
  double gap = 0;                     ///< 1 − σ₂/σ₁; σ₂ = 0 if there is only one
  double top_energy = 0;              ///< σ₁²/Σσ²
  std::array<int64_t, 3> k_sigma{};   ///< smallest m with c_m >= kShares[i]
  std::array<int64_t, 3> k_energy{};  ///< smallest m with e_m >= kShares[i]
};

/// Statistics of values[count], descending and >= 0, with the curves c_m = Σ_{i<=m} σᵢ/Σσᵢ and
/// e_m = Σ_{i<=m} σᵢ²/Σσᵢ², m = 1 … count, written to sigma_curve[m − 1] and energy_curve[m − 1] (each of
/// count values, or empty: not wanted). Shares count as reached within a relative 1e-12, the rounding of the
/// sums.
///
/// `scale` is σ₁ of the matrix before centring (the spectrum's own σ₁ if it was not centred). A spectrum with
/// Σσ <= count · 2⁻²³ · scale is rounding only (uniform attention, centred) and is treated as the zero
/// matrix's: curves 1 at every m, k = 0, all else 0.
SpectrumStatistics spectrum_statistics(std::span<const double> values, double scale,
                                       std::span<double> sigma_curve, std::span<double> energy_curve);

/// The curve at m: 0 for m <= 0, and its last value, 1, beyond its end (1 too for an empty curve).
double curve_at(std::span<const double> curve, int64_t m);

/// What is read off P itself, all in one pass; zeros where there is nothing.
struct MapMoments {
  double row_entropy = 0;   ///< mean over the rows of −Σ_j P_ij ln P_ij in nats, 0 ln 0 = 0
  double squared_norm = 0;  ///< ‖P‖_F²
  double sigma1_bound = 0;  ///< ‖P 1‖ / ‖1‖, which σ₁ is not below
};
MapMoments map_moments(MatrixView<const float> p);

}  // namespace linformer
