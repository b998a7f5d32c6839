// SPDX-License-Identifier: MIT
// What a basis Q proves about the singular values σ of P: with B = QᵀP and R = (I − QQᵀ)P, from Σ = σ(B), the
// coupling S of the two, ‖P‖_F² and a bound on ‖R‖₂. METHODS.md has the proofs.
#pragma once

#include <cstdint>
#include <vector>

#include "base/order_statistics.h"
#include "spectrum/block_krylov.h"

namespace linformer {

struct CertificateInput {
  double squared_norm = 0;       ///< ‖P‖_F²
  double residual_bound = 0;     ///< of ‖R‖₂, at some confidence
  double rounding = 0;           ///< a sure bound on ‖B − computed B‖_F
  double coupling_rounding = 0;  ///< a sure bound on ‖S − computed S‖_F
  int64_t rows = 0;              ///< of P: a basis of as many vectors leaves no R
};

/// Intervals for m = 1, 2, …; sure ones, and tighter ones that hold wherever residual_bound does.
struct Certificate {
  std::vector<Interval> sure_energy, energy;  ///< of Σ_{j≤m} σ_j² / ‖P‖_F²
  std::vector<Interval> sure_sigma, sigma;    ///< of σ_m
};

/// For m = 1 … count <= r. Let A = [[Σ², Sᵀ], [S, ρ²]] with ρ the residual's bound. Then for every j
///   Σ_j <= σ_j(P) <= √min(λ_j(A), Σ_j² + ρ²),
/// because PPᵀ differs from A by ρ² − RRᵀ in the last block, which is positive, and PᵀP from BᵀB by RᵀR;
/// eigenvalues of A beyond its size are ρ². For the sure ones, ‖R‖_F² = ‖P‖_F² − ‖B‖_F² takes what the first
/// m may have more.
Certificate certify(const RitzValues& ritz, const CertificateInput& input, int64_t count);

/// ‖R‖_F², at most: what the Ritz values leave of ‖P‖_F².
double residual_energy(const RitzValues& ritz, const CertificateInput& input);

/// A Krylov chain of R that begins with R Ω, Ω standard normal and independent of R.
struct ResidualChain {
  double energy = 0;  ///< ‖R‖_F², at most
  int64_t cols = 0;   ///< of P
  int64_t width = 0;  ///< Ω [cols, width]
  int64_t steps = 0;  ///< blocks
};

/// ρ with ‖R‖₂ <= ρ at probability 1 − risk, where θ is R's largest Ritz value from the chain (after
/// Kuczyński and Woźniakowski 1992).
double residual_bound(double theta, const ResidualChain& chain, double risk);

}  // namespace linformer
