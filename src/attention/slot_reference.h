// SPDX-License-Identifier: MIT
// Projections to slots by plain loops in f64: what SlotProjection is held to.
#pragma once

#include <vector>

#include "attention/slot_projection.h"

namespace linformer {

/// K̄ or V̄ [k, d] of one head.
struct ReferenceSlots {
  std::vector<double> values;
  std::vector<float> mask;  ///< [k]: 0, or −inf for a slot without positions
};

/// From in [n, d] by the matrices of that group of heads, `mask` [n] being a key mask or null. Without the
/// bias.
ReferenceSlots reference_slots(const SlotWeights& weights, int64_t group, MatrixView<const float> in,
                               const float* mask);

}  // namespace linformer
