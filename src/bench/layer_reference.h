// SPDX-License-Identifier: MIT
// The arithmetic of an encoder's layer in f64, by plain loops: what the forward pass is held to.
#pragma once

#include <cstdint>
#include <vector>

#include "model/model.h"

namespace linformer {

/// Some tokens, each as wide as what is told.
using Rows = std::vector<std::vector<double>>;

/// Outputs [first, first + count) of W x + `bias` · b.
std::vector<double> reference_outputs(const DenseWeights& w, int64_t first, int64_t count,
                                      const std::vector<double>& x, double bias);
/// W x + b of every row.
Rows reference_product(const DenseWeights& w, const Rows& rows, int threads);
/// The norm of the architecture's kind; x itself where there is none.
std::vector<double> reference_norm(const Architecture& a, const NormWeights& w, std::vector<double> x);

/// The layer's output of tokens whose residual stream comes in as `input` [width] and whose attention gives
/// `context` [h · d]: output product, residual sums, norms, feed-forward block in the order of NormPlace.
Rows reference_layer(const Architecture& a, const LayerWeights& layer, const Rows& input, Rows context,
                     int threads);

}  // namespace linformer
