// SPDX-License-Identifier: MIT
// How far what stands in for a head's attention is from it.
#pragma once

#include <vector>

#include "base/tensor.h"

namespace linformer {

/// Of one head on one sequence.
struct HeadErrors {
  double output_error = 0;  ///< ‖Ô − O‖_F / ‖O‖_F
  /// 1 − ‖Ô − O‖² / ‖O − 1v̄ᵀ‖², v̄ the mean of V (of a causal head, of the V that a query sees): 1 is exact, 0
  /// no better than no attention. Where O is 1v̄ᵀ to the rounding of f32, there is nothing to gain, and it is
  /// 0.
  double skill = 0;
};

/// O and Ô [n, d], V [n, d].
HeadErrors head_errors(MatrixView<const float> exact, MatrixView<const float> other,
                       MatrixView<const float> v, bool causal);

/// The mean over rows of Σ_j P_ij ln(P_ij / P̂_ij), nats; infinite where P̂ has no weight and P has some.
double mean_divergence(MatrixView<const float> p, MatrixView<const float> other);

/// ‖A − B‖_F / ‖B‖_F, f64.
double relative_error(MatrixView<const float> a, MatrixView<const float> b);

/// What queries get that see all alike: one after the other, the mean of the rows of V, or where causal of
/// those up to a query's own.
class MeanValues {
 public:
  MeanValues(MatrixView<const float> v, bool causal);
  /// Of the next query; valid until the following call.
  const std::vector<double>& next();

 private:
  MatrixView<const float> v_;
  bool causal_;
  int64_t seen_ = 0;
  std::vector<double> sum_, mean_;
};

}  // namespace linformer
