// SPDX-License-Identifier: MIT
// A Linformer's projection along the sequence of bf16 keys and values, in products of bf16 pairs.
#pragma once

#include <cstddef>
#include <span>

#include "attention/slot_projection.h"
#include "base/half.h"
#include "base/memory.h"

namespace linformer {

/// A matrix of weights rounded to bf16, which is made at its first use and kept.
class Bf16Weights {
 public:
  static int64_t bytes(const SlotWeights& weights);

  /// Rows of pairs of neighbours, pairs_of(weight.cols) apart. Always of the same weights until forget().
  const uint32_t* of(const SlotWeights& weights, Run& run);
  void forget() { pairs_ = {}; }

 private:
  Buffer<uint32_t> pairs_;
};

/// Bytes that bf16_slots() works in for rows of d elements. Never less for more threads.
int64_t bf16_slots_bytes(const SlotWeights& weights, int64_t d, int threads);

/// out [b, h, k, d] as SlotProjection::run() has it, of weights of Kind::kMatrix without a bias, all finite,
/// and `rounded`, what Bf16Weights::of() gives for them; the sums, which are f32, are rounded to bf16 after.
/// Only where has_bf16_products().
void bf16_slots(const SlotWeights& weights, const uint32_t* rounded, HeadsView<const Bf16> in,
                MatrixView<const float> key_mask, HeadsView<Bf16> out, std::span<std::byte> workspace,
                Run& run);

}  // namespace linformer
