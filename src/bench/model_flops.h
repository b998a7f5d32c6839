// SPDX-License-Identifier: MIT
#pragma once

#include "bench/result.h"
#include "model/architecture.h"

namespace linformer {

/// Of one layer of a cell, a multiply-add counting two: its dense products (query, key, value, output and
/// feed-forward: 2 · in · out a token), attention and, of a Linformer, the projections. Norms, activations,
/// sums and exponentials are not counted. With order=before-weights 2 k n · width b for E X, as much again
/// where F is another, and keys and values are products of the k slots alone.
double layer_flops(const Architecture& architecture, const BenchCell& cell);

}  // namespace linformer
