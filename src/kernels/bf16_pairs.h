// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace linformer {

/// Pairs that `elements` make; the last may have one only.
inline int64_t pairs_of(int64_t elements) { return (elements + 1) / 2; }

/// pairs [⌈rows / 2⌉, cols]: at (i, c) element (2i, c) of `from` below and (2i + 1, c) above, zero where
/// there is none: what one product of bfloat16 pairs takes at a time when rows are summed over. Only where
/// has_bf16_products().
void pair_rows(const uint16_t* from, int64_t stride, int64_t rows, int64_t cols, uint32_t* pairs);

}  // namespace linformer
