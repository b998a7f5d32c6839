// SPDX-License-Identifier: MIT
#include "kernels/bf16_product.h"

#include <hwy/base.h>

#include <algorithm>

#if HWY_ARCH_X86_64

#include "kernels/ahead.h"
#include "kernels/bf16_vectors-inl.h"
#include "kernels/isa.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

constexpr int kRows = 6;
constexpr int kVectors = 4;  // of columns

// The lanes of vector i of `cols` columns.
HWY_INLINE __mmask16 lanes_of(int i, int64_t cols) {
  return first_lanes(std::clamp<int64_t>(cols - i * kLanes, 0, kLanes));
}

// R rows and `cols` columns, kVectors vectors at most; the next rows of A, too short for the machine to see
// them coming, are fetched meanwhile.
template <int R>
HWY_NOINLINE void multiply_tile(const Bf16Product& p, int64_t row, int64_t col, int64_t cols) {
  __m512 sums[R][kVectors];
  HWY_UNROLL(6) for (int r = 0; r < R; ++r) {
    HWY_UNROLL(4) for (int i = 0; i < kVectors; ++i) sums[r][i] = _mm512_setzero_ps();
  }
  const uint32_t* const a = p.a + row * p.a_stride;
  const uint32_t* const next = row + 2 * R <= p.rows ? a + R * p.a_stride : a;
  const uint32_t* b = p.b + col;
  for (int64_t begin = 0; begin < p.pairs; begin += kLanes) {
    HWY_UNROLL(6) for (int r = 0; r < R; ++r) fetch_line(next + r * p.a_stride, begin * 4);
    const int64_t end = std::min<int64_t>(p.pairs, begin + kLanes);
    for (int64_t j = begin; j < end; ++j, b += p.b_stride) {
      __m512i vectors[kVectors];
      HWY_UNROLL(4) for (int i = 0; i < kVectors; ++i) {
        vectors[i] = _mm512_maskz_loadu_epi32(lanes_of(i, cols), b + i * kLanes);
      }
      HWY_UNROLL(6) for (int r = 0; r < R; ++r) {
        const __m512i all = _mm512_set1_epi32(static_cast<int32_t>(a[r * p.a_stride + j]));
        HWY_UNROLL(4) for (int i = 0; i < kVectors; ++i) sums[r][i] = add_pairs(sums[r][i], all, vectors[i]);
      }
    }
  }
  HWY_UNROLL(6) for (int r = 0; r < R; ++r) {
    HWY_UNROLL(4) for (int i = 0; i < kVectors; ++i) {
      float* const to = p.out + (row + r) * p.out_stride + col + i * kLanes;
      const __mmask16 lanes = lanes_of(i, cols);
      const __m512 before = p.add ? _mm512_maskz_loadu_ps(lanes, to) : _mm512_setzero_ps();
      _mm512_mask_storeu_ps(to, lanes, _mm512_add_ps(before, sums[r][i]));
    }
  }
}

}  // namespace

void bf16_pair_product(const Bf16Product& p) {
  Ahead ahead(p.rows / kRows);
  ahead.add(p.coming, p.coming_stride, 0, p.coming_rows, p.coming_cols);
  for (int64_t col = 0; col < p.cols; col += kVectors * kLanes) {
    const int64_t cols = std::min<int64_t>(kVectors * kLanes, p.cols - col);
    int64_t row = 0;
    for (; row + kRows <= p.rows; row += kRows) {
      ahead.request();
      multiply_tile<kRows>(p, row, col, cols);
    }
    for (; row + 2 <= p.rows; row += 2) multiply_tile<2>(p, row, col, cols);
    if (row < p.rows) multiply_tile<1>(p, row, col, cols);
  }
}

void round_row(const float* from, int64_t count, float factor, uint16_t* to) {
  const __m512 times = _mm512_set1_ps(factor);
  for (int64_t i = 0; i < count; i += kLanes) {
    const __mmask16 lanes = first_lanes(std::min<int64_t>(kLanes, count - i));
    const __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, from + i), times);
    _mm256_mask_storeu_epi16(to + i, lanes, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)));
  }
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

namespace linformer {

void bf16_product(const Bf16Product& p) {
  if (bf16_products() == Bf16Products::kTiles) return bf16_tile_product(p);
  bf16_pair_product(p);
}

}  // namespace linformer

#else  // has_bf16_products() is false, and neither is called

namespace linformer {

void bf16_product(const Bf16Product&) {}

void round_row(const float*, int64_t, float, uint16_t*) {}

}  // namespace linformer

#endif
