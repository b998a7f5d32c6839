// SPDX-License-Identifier: MIT
// Products that take n positions to a few slots: K̄ = E K, V̄ = F V (arXiv 2006.04768, equation 7).
#pragma once

#include <cstdint>

namespace linformer {

/// One product: out (+)= E X in f32. Rows are strides apart; no alignment is asked for.
struct SlotProduct {
  const float* e = nullptr;  ///< [slots, n]
  const float* x = nullptr;  ///< [n, cols]
  float* out = nullptr;      ///< [slots, cols]
  int64_t e_stride = 0, x_stride = 0, out_stride = 0;
  int64_t slots = 0, n = 0, cols = 0;
  bool add = false;  ///< to what is in out
};

/// Positions whose terms are summed before they meet the sums of those before: a call for a multiple of so
/// many and one that adds the rest give the bits of one call for all.
constexpr int64_t kSlotProductBlock = 256;

/// Vector code, chosen at run time for the machine. An element has the same bits however slots are divided
/// among calls. `out` must not overlap the others.
void slot_product(const SlotProduct& product);

}  // namespace linformer
