// SPDX-License-Identifier: MIT
// E and F for a model that has none, as a Linformer's begin before training.
#pragma once

#include <cstdint>
#include <vector>

#include "attention/linformer_options.h"
#include "base/memory.h"
#include "model/model.h"

namespace linformer {

/// The projection of every layer of a model, which owns its matrices.
struct DrawnProjection {
  Projection how;
  std::vector<ProjectionWeights> layers;
  Buffer<float> storage;
};

/// The bytes of the matrices for sequences of length n.
int64_t projection_bytes(const Architecture& architecture, const LinformerOptions& options, int64_t length);

/// The same without the matrices: of which sizes they are. Throws as draw_projection() does.
DrawnProjection lay_out_projection(const Architecture& architecture, const LinformerOptions& options,
                                   int64_t length);

/// Draws them from N(0, 1/k), each [k, n], of sharing "none" [h_kv · k, n]. Throws Error(kUsage) for what
/// cannot be: other projections than learned ones, causal heads, positions told by distance, and a matrix for
/// every head before the weights.
DrawnProjection draw_projection(const Architecture& architecture, const LinformerOptions& options,
                                int64_t length, uint64_t seed, Run& run);

}  // namespace linformer
