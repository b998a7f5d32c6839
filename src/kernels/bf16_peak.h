// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace linformer {

/// fma_burst() of products of bfloat16, by pairs or tiles as the kernels use them (bf16_products()); sums are
/// f32. Only where has_bf16_products().
double bf16_burst(int64_t rounds);

/// The same by one of the two.
double bf16_pair_burst(int64_t rounds);
double bf16_tile_burst(int64_t rounds);

}  // namespace linformer
