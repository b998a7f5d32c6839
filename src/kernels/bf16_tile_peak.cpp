// SPDX-License-Identifier: MIT
#include <hwy/base.h>

#include "kernels/bf16_peak.h"

#if HWY_ARCH_X86_64

#include <algorithm>
#include <iterator>

#include "kernels/bf16_tiles-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {

double bf16_tile_burst(int64_t rounds) {
  constexpr int kSide = 16, kSums = 6;  // a product begins every 16 cycles and takes some 50
  constexpr double kOperations = 4.0 * kSide * kSide * kSide;
  alignas(64) uint16_t factors[2 * kSide * kSide];
  std::fill(std::begin(factors), std::end(factors), uint16_t{0x3a80});  // 2^-10, as of pairs
  alignas(64) float sum[kSide * kSide];
  const TilesInUse tiles;
  finish_writing();
  _tile_loadd(6, factors, 64);
  _tile_loadd(7, factors, 64);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (int64_t round = 0; round < rounds; ++round) {
    _tile_dpbf16ps(0, 6, 7);
    _tile_dpbf16ps(1, 6, 7);
    _tile_dpbf16ps(2, 6, 7);
    _tile_dpbf16ps(3, 6, 7);
    _tile_dpbf16ps(4, 6, 7);
    _tile_dpbf16ps(5, 6, 7);
  }
  _tile_stored(0, sum, 64);
  finish_writing();
  // What is computed must be used; it is never negative.
  return sum[0] >= 0 ? kOperations * kSums * static_cast<double>(rounds) : 0;
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

#endif
