// SPDX-License-Identifier: MIT
// Vectors of pairs of bfloat16. Highway as packaged has no products of them: these are intrinsics, for
// AVX-512 with BF16 alone.
#pragma once

#include <hwy/base.h>
#include <immintrin.h>

#include <cstdint>

#if HWY_COMPILER_GCC_ACTUAL  // 12 takes what its own intrinsics leave undefined for a mistake of the caller
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define LINFORMER_BF16_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"

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

}  // namespace
}  // namespace linformer
HWY_POP_ATTRIBUTES
