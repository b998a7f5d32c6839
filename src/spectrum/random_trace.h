// SPDX-License-Identifier: MIT
// What random probes say of a trace, at a confidence that rests on no normality: Chernoff's bound for sums of
// χ² with what is known of the matrix beforehand.
#pragma once

#include <cstdint>

namespace linformer {

/// Of N, symmetric positive semi-definite. What follows from it holds where `energy` and `norm` do.
struct TraceFacts {
  int64_t size = 0;   ///< rows, at least 1
  double energy = 0;  ///< ‖N‖_F², at most
  double norm = 0;    ///< ‖N‖₂, at most
};

/// Let g_1 … g_probes be independent standard normal vectors, and mean = Σ gᵀNg / Σ gᵀg. At probability
/// 1 − risk each, tr N is at most most_trace() and at least least_trace(), or at least what that is for a
/// smaller mean, and at most what the other is for a larger one: both grow with it.
double most_trace(const TraceFacts& n, int64_t probes, double mean, double risk);
double least_trace(const TraceFacts& n, int64_t probes, double mean, double risk);

}  // namespace linformer
