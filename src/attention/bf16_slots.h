// SPDX-License-Identifier: MIT
// A Linformer's projection along the sequence of bf16 keys and values, in products of bf16 pairs.
#pragma once

#include <cstddef>
#include <span>

#include "attention/slot_projection.h"
#include "base/half.h"

namespace linformer {

/// Bytes that bf16_slots() works in for n rows of d elements. Never less for more threads.
int64_t bf16_slots_bytes(const SlotWeights& weights, int64_t n, int64_t d, int threads);

/// out [b, h, k, d] as SlotProjection::run() has it, of weights of Kind::kMatrix without a bias: the weights
/// rounded to bf16 before and the sums, which are f32, after. Only where has_bf16_products().
void bf16_slots(const SlotWeights& weights, HeadsView<const Bf16> in, MatrixView<const float> key_mask,
                HeadsView<Bf16> out, std::span<std::byte> workspace, Run& run);

}  // namespace linformer
