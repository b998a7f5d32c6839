// SPDX-License-Identifier: MIT
#pragma once

namespace linformer {

/// What attention to some of the keys leaves of its queries; all parts together make O. Of attention to all
/// keys, P_ij = w_j / Σ w.
struct AttentionPart {
  float* o = nullptr;       ///< [queries, value_size]: Σ_j w_j V_j over its keys
  float* sums = nullptr;    ///< [queries]: Σ_j w_j; 0 where it sees no key
  float* shifts = nullptr;  ///< [queries]: w_j = 2^(log₂ e score_j + shift)
};

}  // namespace linformer
