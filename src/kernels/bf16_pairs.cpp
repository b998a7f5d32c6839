// SPDX-License-Identifier: MIT
#include "kernels/bf16_pairs.h"

#include <algorithm>

namespace linformer {

void pair_rows(const uint16_t* from, int64_t stride, int64_t rows, int64_t cols, uint32_t* pairs) {
  for (int64_t i = 0; i < rows; i += 2, pairs += cols) {
    const uint16_t* const low = from + i * stride;
    const uint16_t* const high = low + stride;
    if (i + 1 < rows) {
      for (int64_t c = 0; c < cols; ++c) pairs[c] = low[c] | static_cast<uint32_t>(high[c]) << 16;
    } else {
      std::copy_n(low, cols, pairs);
    }
  }
}

}  // namespace linformer
