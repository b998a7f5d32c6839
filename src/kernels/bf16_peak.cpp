// SPDX-License-Identifier: MIT
#include "kernels/bf16_peak.h"

#include <hwy/base.h>

#if HWY_ARCH_X86_64

#include "kernels/bf16_vectors-inl.h"
#include "kernels/isa.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {

double bf16_pair_burst(int64_t rounds) {
  // Two units of a latency of six cycles want twelve; twice as many do no harm among 32 registers.
  constexpr int kSums = 24;
  constexpr double kOperations = 4;                 // of a lane: two products, two additions
  const __m512i small = _mm512_set1_epi16(0x3a80);  // 2^-10, so that sums stay far from the largest number
  __m512 sums[kSums];
  HWY_UNROLL(24) for (int i = 0; i < kSums; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(24) for (int i = 0; i < kSums; ++i) sums[i] = add_pairs(sums[i], small, small);
  }
  __m512 all = _mm512_setzero_ps();
  HWY_UNROLL(24) for (int i = 0; i < kSums; ++i) all = _mm512_add_ps(all, sums[i]);
  // What is computed must be used; it is never negative.
  const bool used = _mm512_cmp_ps_mask(all, _mm512_setzero_ps(), _CMP_GE_OQ) != 0;
  return used ? kOperations * kSums * kLanes * static_cast<double>(rounds) : 0;
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

namespace linformer {

double bf16_burst(int64_t rounds) {
  return bf16_products() == Bf16Products::kTiles ? bf16_tile_burst(rounds) : bf16_pair_burst(rounds);
}

}  // namespace linformer

#else  // has_bf16_products() is false, and it is not called

namespace linformer {

double bf16_burst(int64_t) { return 0; }

}  // namespace linformer

#endif
