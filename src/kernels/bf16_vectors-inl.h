// SPDX-License-Identifier: MIT
// Vectors of pairs of bfloat16. Highway as packaged has no products of them: these are intrinsics, for
// AVX-512 with BF16, and tiles where bf16_tiles-inl.h comes before.
#pragma once

#include <hwy/base.h>
#include <immintrin.h>

#include <cstdint>

#if HWY_COMPILER_GCC_ACTUAL  // 12 takes what its own intrinsics leave undefined for a mistake of the caller
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define LINFORMER_BF16_PAIRS_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"
#ifndef LINFORMER_BF16_TARGET
#define LINFORMER_BF16_TARGET LINFORMER_BF16_PAIRS_TARGET
#endif

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

constexpr int kLanes = 16;  // of f32 or pairs

// sum + a b, lane by lane the products of both halves.
HWY_INLINE __m512 add_pairs(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

// The first `count` lanes, of 16 at most.
HWY_INLINE __mmask16 first_lanes(int64_t count) { return static_cast<__mmask16>((uint32_t{1} << count) - 1); }

// rows[r] lane c becomes rows[c] lane r.
HWY_INLINE void transpose(__m512i (&rows)[kLanes]) {
  __m512i t[kLanes];
  HWY_UNROLL(16) for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  HWY_UNROLL(4) for (int i = 0; i < 16; i += 4) {
    rows[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    rows[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    rows[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    rows[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // Now by whole quarters, first of rows that are four apart, then eight.
  HWY_UNROLL(4) for (int i = 0; i < 4; ++i) {
    HWY_UNROLL(2) for (int half = 0; half < 16; half += 8) {
      t[half + i] = _mm512_shuffle_i32x4(rows[half + i], rows[half + i + 4], 0x88);
      t[half + i + 4] = _mm512_shuffle_i32x4(rows[half + i], rows[half + i + 4], 0xdd);
    }
  }
  HWY_UNROLL(4) for (int i = 0; i < 4; ++i) {
    rows[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    rows[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    rows[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    rows[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

}  // namespace
}  // namespace linformer
HWY_POP_ATTRIBUTES
