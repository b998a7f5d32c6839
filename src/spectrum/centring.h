// SPDX-License-Identifier: MIT
// Householder reflections H that turn the direction which centring removes into e₁. They change no singular
// value, and then the centred spectrum comes out of the same reduction as P's.
#pragma once

#include "base/tensor.h"

namespace linformer {

/// The reflected matrix is P − left rightᵀ.
struct Reflection {
  double* left;   ///< [rows]
  double* right;  ///< [cols]
};

/// For HP with H(1/√rows) = −e₁. Centring is C = I − 11ᵀ/rows, and HCH = I − e₁e₁ᵀ takes HP's first row away.
void reflect_rows(MatrixView<const float> p, Reflection reflection);

/// For PH with H p̄ = −s‖p̄‖e₁, p̄ the column means. Only the first column a of PH has a mean, ā, and centring
/// takes it away. Returns Σ(aᵢ − ā)², without cancellation.
double reflect_cols(MatrixView<const float> p, Reflection reflection);

}  // namespace linformer
