// SPDX-License-Identifier: MIT
// Theorems 1 and 2 of the paper, tried on matrices: its k against the error that k gives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "theorems/result.h"

namespace linformer {

/// A head on one sequence, in f64.
struct HeadSample {
  std::string name;
  int64_t n = 0, d = 0;
  std::vector<double> scores;         ///< A [n, n]
  std::vector<double> probabilities;  ///< softmax of its rows
  std::vector<double> values;         ///< V [n, d]
};

/// Of logits [n, n] and values [n, d].
HeadSample make_head(std::string name, MatrixView<const float> logits, MatrixView<const float> values);

/// Q, K and V of independent standard normal numbers, scale 1/√d.
HeadSample random_head(int64_t n, int64_t d, uint64_t seed);

/// ⌈5 ln(n) / (ε² − ε³)⌉, 0 < ε < 1.
int64_t theorem1_k(int64_t n, double epsilon);
/// The smaller of ⌈9 d ln(d) / ε²⌉ and ⌈5 ln(n d) / (ε² − ε³)⌉.
int64_t theorem2_k(int64_t n, int64_t d, double epsilon);

/// P̃ = P RᵀR, R [k, n] of N(0, 1/k) numbers, for `draws` of R; w goes through the columns of V. The error is
/// ‖P̃w − Pw‖ / ‖Pw‖; promised: 1 − 2n exp(−(ε² − ε³)k/4).
TheoremTrial try_theorem1(const HeadSample& head, double epsilon, int64_t draws, uint64_t seed);

/// E = δR, F = e^(−δ)R with δ = 2⁻ⁿ, for rows a of A that are evenly spread. The error is ‖softmax(aEᵀ)FV −
/// softmax(a)V‖ / (‖softmax(a)‖ ‖V‖), Frobenius for V; promised: 1 − o(1), written as 1.
TheoremTrial try_theorem2(const HeadSample& head, double epsilon, int64_t draws, uint64_t seed);

}  // namespace linformer
