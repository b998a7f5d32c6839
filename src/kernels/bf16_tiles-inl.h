// SPDX-License-Identifier: MIT
// Tiles of bfloat16 (AMX): registers of 16 rows of 64 bytes, and their products. To be included before
// bf16_vectors-inl.h.
#pragma once

#include <hwy/base.h>
#include <immintrin.h>

#include <cstdint>

#define LINFORMER_BF16_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,amx-tile,amx-bf16"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

struct alignas(64) TileConfiguration {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// A constant: compilers believe that eight bytes of it are read, and may leave out writing the others.
constexpr TileConfiguration kWholeTiles;

// To come between what is written to memory and the tiles that are loaded from it: gcc 12 does not know that
// these read there.
HWY_INLINE void finish_writing() { asm volatile("" ::: "memory"); }

// All eight tiles of this thread, whole ones, as long as it lives.
class TilesInUse {
 public:
  TilesInUse() { _tile_loadconfig(&kWholeTiles); }
  ~TilesInUse() { _tile_release(); }
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;
};

}  // namespace
}  // namespace linformer
HWY_POP_ATTRIBUTES
