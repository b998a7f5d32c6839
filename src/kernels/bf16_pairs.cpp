// SPDX-License-Identifier: MIT
#include "kernels/bf16_pairs.h"

#include <hwy/base.h>

#include <algorithm>

#if HWY_ARCH_X86_64

#include "kernels/bf16_vectors-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {

void pair_rows(const uint16_t* from, int64_t stride, int64_t rows, int64_t cols, uint32_t* pairs) {
  for (int64_t i = 0; i < rows; i += 2, pairs += cols) {
    const uint16_t* const low = from + i * stride;
    const uint16_t* const high = i + 1 < rows ? low + stride : low;
    const __mmask16 with_high = i + 1 < rows ? 0xffff : 0;
    for (int64_t c = 0; c < cols; c += kLanes) {
      const __mmask16 lanes = first_lanes(std::min<int64_t>(kLanes, cols - c));
      const __m512i below = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, low + c));
      const __m512i above = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes & with_high, high + c));
      _mm512_mask_storeu_epi32(pairs + c, lanes, _mm512_or_si512(below, _mm512_slli_epi32(above, 16)));
    }
  }
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

#else  // has_bf16_products() is false

namespace linformer {

void pair_rows(const uint16_t*, int64_t, int64_t, int64_t, uint32_t*) {}

}  // namespace linformer

#endif
