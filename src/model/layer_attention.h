// SPDX-License-Identifier: MIT
// What can stand in a forward pass in the place of a layer's attention.
#pragma once

#include <cstdint>

#include "attention/mechanism.h"

namespace linformer {

/// A layer's attention to itself as it is about to be computed. Views are valid during the call only.
struct LayerAttentionCall {
  int64_t layer = 0;
  AttentionShape shape;
  AttentionInput in;     ///< q after rotary positions, and so k
  HeadsView<float> out;  ///< [b, h, n, d], to be filled
};

class LayerAttention {
 public:
  virtual ~LayerAttention() = default;
  /// Whether it stands in for this layer's attention; the model's own is computed otherwise.
  virtual bool replaces(int64_t layer) const = 0;
  virtual void run(const LayerAttentionCall& call) = 0;
};

}  // namespace linformer
