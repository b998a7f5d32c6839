// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace linformer {

/// Multiplies and adds f32 vectors in registers, `rounds` times for each of as many independent sums as hide
/// the latency, with the instruction set that the kernels use. Returns the operations done, a multiply-add
/// counting two.
double fma_burst(int64_t rounds);

}  // namespace linformer
