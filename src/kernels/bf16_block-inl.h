// SPDX-License-Identifier: MIT
// What bf16_attention does with a block of queries: its workspace, products with keys and with columns of V,
// exponentials, transposition. For that file only.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/bf16_attention.h"
#include "kernels/bf16_pairs.h"
#include "kernels/bf16_vectors-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

constexpr int kVectors = 3;                       // of queries
constexpr int64_t kQueries = kBf16AttentionRows;  // in a block
constexpr int kTile = 8;                          // keys whose scores are computed together
constexpr int64_t kBlock = 256;                   // keys whose weights are kept before they meet V
constexpr int kColumns = 8;                       // of V
constexpr int64_t kGroup = kBf16AttentionGroup / kQueries;

// The workspace of a block of queries. Rows are kQueries floats or pairs, a lane each.
struct Room {
  uint32_t* q;   // [pairs of head_size]: Qᵀ
  float* o;      // [value_size]: Oᵀ, not yet divided by the sums
  float* shift;  // one row: minus the score that the weights are relative to, as a power of two
  float* limit;  // one row: the shifted score from which that moves
  float* sum;    // one row: of the weights so far
  // What follows is shared by the blocks of a group.
  uint32_t* p;    // [kBlock / 2]: weights of pairs of keys
  float* scores;  // [kTile]
  uint16_t* k;    // [kTile, whole pairs of head_size]: keys of a tile that cannot be read as it lies

  Room(float* at, int64_t head_size, int64_t value_size, int64_t index) {
    float* const own = at + index * own_floats(head_size, value_size);
    q = reinterpret_cast<uint32_t*>(own);
    o = own + pairs_of(head_size) * kQueries;
    shift = o + value_size * kQueries;
    limit = shift + kQueries;
    sum = limit + kQueries;
    float* const shared = at + kGroup * own_floats(head_size, value_size);
    p = reinterpret_cast<uint32_t*>(shared);
    scores = shared + kBlock / 2 * kQueries;
    k = reinterpret_cast<uint16_t*>(scores + kTile * kQueries);
  }

  static int64_t floats(int64_t head_size, int64_t value_size) {
    return kGroup * own_floats(head_size, value_size) + (kBlock / 2 + kTile) * kQueries +
           (kTile * pairs_of(head_size) + 15) / 16 * 16;
  }

 private:
  static int64_t own_floats(int64_t head_size, int64_t value_size) {
    return (pairs_of(head_size) + value_size + 3) * kQueries;
  }
};

constexpr float kRise = 24.0f;  // above the reference, in powers of two, that is let be
constexpr float kLog2e = 1.44269504f;

// 2^x as the nearest of some 7 more bits than bf16 has, 0 for x < −200; NaN stays NaN. x = n + f, |f| <= 1/2;
// 2^f by a cubic of least largest relative error, 7.5e-5.
HWY_INLINE __m512 exp2_of(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-200.0f), x);
  const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(0.0551716685f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.242611125f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693260968f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999928057f));
  return _mm512_scalef_ps(p, n);
}

HWY_INLINE __m512i two_elements(const uint16_t* at) {
  int32_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return _mm512_set1_epi32(bits);
}

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

template <int NV>
using Scores = __m512[kTile][NV];

// sums[r, i] of the products of kTile rows of K and NV vectors of queries from vector `first` on.
template <int NV>
HWY_INLINE void multiply_keys(const uint32_t* q, int64_t head_size, const uint16_t* k, int64_t stride,
                              Scores<NV>& sums) {
  const uint16_t* rows[kTile];
  HWY_UNROLL(8) for (int r = 0; r < kTile; ++r) rows[r] = k + r * stride;
  HWY_UNROLL(8) for (int r = 0; r < kTile; ++r) {
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[r][i] = _mm512_setzero_ps();
  }
  HWY_UNROLL(4) for (int64_t c = 0; c < head_size; c += 2, q += kQueries) {
    __m512i vectors[NV];
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) vectors[i] = _mm512_load_si512(q + i * kLanes);
    HWY_UNROLL(8) for (int r = 0; r < kTile; ++r) {
      const __m512i all = two_elements(rows[r] + c);
      HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[r][i] = add_pairs(sums[r][i], all, vectors[i]);
    }
  }
}

// Oᵀ[0 .. C) += (V columns)ᵀ P over `count` pairs of keys, of which there are some.
template <int C, int NV>
HWY_INLINE void add_columns(const uint32_t* v, int64_t v_stride, const uint32_t* p, int64_t count, float* o) {
  __m512 sums[C][NV];
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[c][i] = _mm512_setzero_ps();
  }
  HWY_UNROLL(4) for (int64_t j = 0; j < count; ++j, p += kQueries, v += v_stride) {
    __m512i weights[NV];
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) weights[i] = _mm512_load_si512(p + i * kLanes);
    HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
      const __m512i all = _mm512_set1_epi32(static_cast<int32_t>(v[c]));
      HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[c][i] = add_pairs(sums[c][i], all, weights[i]);
    }
  }
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) {
      float* const to = o + c * kQueries + i * kLanes;
      _mm512_store_ps(to, _mm512_add_ps(_mm512_load_ps(to), sums[c][i]));
    }
  }
}

template <int NV>
HWY_INLINE void scale_lanes(float* rows, int64_t count, const __m512 (&factors)[NV]) {
  for (int64_t r = 0; r < count; ++r, rows += kQueries) {
    for (int i = 0; i < NV; ++i) {
      float* const at = rows + i * kLanes;
      _mm512_store_ps(at, _mm512_mul_ps(_mm512_load_ps(at), factors[i]));
    }
  }
}

template <int NV>
HWY_INLINE bool above_limit(const float* limit, const Scores<NV>& scores) {
  __mmask16 above = 0;
  HWY_UNROLL(3) for (int i = 0; i < NV; ++i) {
    __m512 most = scores[0][i];
    HWY_UNROLL(8) for (int r = 1; r < kTile; ++r) most = _mm512_max_ps(most, scores[r][i]);
    above |= _mm512_cmp_ps_mask(most, _mm512_load_ps(limit + i * kLanes), _CMP_GT_OQ);
  }
  return above != 0;
}

// Scores become weights, rounded to bf16, in pairs of keys; what is summed are the rounded ones.
template <int NV>
HWY_INLINE void weigh(const Scores<NV>& scores, uint32_t* p, float* sum) {
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  HWY_UNROLL(3) for (int i = 0; i < NV; ++i) {
    __m512 total = _mm512_load_ps(sum + i * kLanes);
    HWY_UNROLL(4) for (int r = 0; r < kTile; r += 2) {
      const __m512i even = _mm512_add_epi32(_mm512_castps_si512(exp2_of(scores[r][i])), half);
      const __m512i odd = _mm512_add_epi32(_mm512_castps_si512(exp2_of(scores[r + 1][i])), half);
      const __m512i high = _mm512_and_si512(odd, upper);
      _mm512_store_si512(p + r / 2 * kQueries + i * kLanes,
                         _mm512_or_si512(_mm512_srli_epi32(even, 16), high));
      total = _mm512_add_ps(total, _mm512_add_ps(_mm512_castsi512_ps(_mm512_and_si512(even, upper)),
                                                 _mm512_castsi512_ps(high)));
    }
    _mm512_store_ps(sum + i * kLanes, total);
  }
}

}  // namespace
}  // namespace linformer
HWY_POP_ATTRIBUTES
