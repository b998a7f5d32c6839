// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/tensor.h"

namespace linformer {

struct SlotWeights;

/// out [k, d] from in [n, d]: the mean of each window over the positions that are not masked and are below n,
/// `room` [d] being worked in; zeros where there is none. `mask`: [n] as a key mask; null: none.
void mean_windows(const SlotWeights& weights, MatrixView<const float> in, const float* mask, float* room,
                  MatrixView<float> out);
/// The largest of each element instead.
void max_windows(const SlotWeights& weights, MatrixView<const float> in, const float* mask,
                 MatrixView<float> out);

}  // namespace linformer
