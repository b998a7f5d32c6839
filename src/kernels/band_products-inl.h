// SPDX-License-Identifier: MIT
// Products of a large matrix, in place, with 16 or 32 vectors; to be included once per instruction set.
#if defined(LINFORMER_KERNELS_BAND_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_BAND_PRODUCTS_INL_H_
#undef LINFORMER_KERNELS_BAND_PRODUCTS_INL_H_
#else
#define LINFORMER_KERNELS_BAND_PRODUCTS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "kernels/band_panel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

// Sums over rows or columns are cut after so many terms; the same cuts wherever terms must cancel.
constexpr int64_t kTerms = 64;

// Rows of a tile in registers; beside them three vectors of columns, or 16 columns.
constexpr int kTileRows = kWide ? 8 : 4;
constexpr int kTall[3] = {kWide ? 24 : 6, kWide ? 16 : 4, kWide ? 8 : 2};

// Row strides that the products are compiled for: a known one saves as many address registers as rows.
constexpr int64_t kStrides[] = {144, 272, 528, 1040};

// Where vector i of a row of 16 · n elements lies in chunks.
HWY_INLINE int64_t in_chunks(int64_t i) { return i / kV * kChunk + i % kV * kW; }

// X ← Tᵀ X for 16 rows of 16 columns in a chunk; row j of t is column j of T.
HWY_NOINLINE void MultiplyTransposedT(const float* t, float* x) {
  const F32 d;
  for (int part = 0; part < kV; ++part, x += kW) {
    F32s rows[kB];
    HWY_UNROLL(16) for (int j = 0; j < kB; ++j) rows[j] = hn::Load(d, x + j * kB);
    HWY_UNROLL(16) for (int j = kB - 1; j >= 0; --j) {
      F32s even = hn::Mul(hn::Set(d, t[j * kB + j]), rows[j]), odd = hn::Zero(d);
      HWY_UNROLL(16) for (int i = 0; i < j; ++i) {
        const F32s factor = hn::Set(d, t[j * kB + i]);
        if (i % 2 == 0) even = hn::MulAdd(factor, rows[i], even);
        if (i % 2 == 1) odd = hn::MulAdd(factor, rows[i], odd);
      }
      hn::Store(hn::Add(even, odd), d, x + j * kB);
    }
  }
}

// kTileRows rows of W, NV vectors of columns: Vᵀ A over `terms` rows, added to W if `before`. V at stride 32.
template <int NV>
HWY_INLINE void vta_tile(const float* v, const float* a, int64_t stride, int64_t terms, bool before,
                         float* const (&w)[NV]) {
  const F32 d;
  F32s sums[kTileRows][NV];
  HWY_UNROLL(8) for (int i = 0; i < kTileRows; ++i) {
    HWY_UNROLL(4) for (int c = 0; c < NV; ++c) sums[i][c] = hn::Zero(d);
  }
  for (int64_t p = 0; p < terms; ++p, a += stride, v += 2 * kB) {
    F32s x[NV];
    HWY_UNROLL(4) for (int c = 0; c < NV; ++c) x[c] = hn::Load(d, a + c * kW);
    HWY_UNROLL(8) for (int i = 0; i < kTileRows; ++i) {
      const F32s factor = hn::Set(d, v[i]);
      HWY_UNROLL(4) for (int c = 0; c < NV; ++c) sums[i][c] = hn::MulAdd(factor, x[c], sums[i][c]);
    }
  }
  HWY_UNROLL(8) for (int i = 0; i < kTileRows; ++i) {
    HWY_UNROLL(4) for (int c = 0; c < NV; ++c) {
      float* const to = w[c] + i * kB;
      hn::Store(before ? hn::Add(sums[i][c], hn::Load(d, to)) : sums[i][c], d, to);
    }
  }
}

// All 16 rows of W, NV vectors of columns; the part of A that a sum is cut to stays in the cache.
template <int NV>
HWY_NOINLINE void VtaStrip(const float* v, const float* a, int64_t stride, int64_t rows, int64_t first,
                           float* w) {
  a += first * kW;
  for (int64_t begin = 0; begin < rows; begin += kTerms) {
    const int64_t terms = std::min(kTerms, rows - begin);
    for (int h = 0; h < kB; h += kTileRows) {
      float* at[NV];
      for (int c = 0; c < NV; ++c) at[c] = w + in_chunks(first + c) + h * kB;
      vta_tile<NV>(v + begin * 2 * kB + h, a + begin * stride, stride, terms, begin > 0, at);
    }
  }
}

// W [16, cols] = Vᵀ A, in chunks.
HWY_INLINE void multiply_vta(const float* v, const float* a, int64_t stride, int64_t rows, int64_t cols,
                             float* w) {
  const int64_t vectors = cols / kW;
  int64_t i = 0;
  for (; i + 3 <= vectors; i += 3) VtaStrip<3>(v, a, stride, rows, i, w);
  if (vectors - i == 2) VtaStrip<2>(v, a, stride, rows, i, w);
  if (vectors - i == 1) VtaStrip<1>(v, a, stride, rows, i, w);
}

// Y [NR, 16] at stride 32 = A U + (before ? Y : 0) − (v ? V M : 0) for A [NR, depth], U [depth, 16], V [NR,
// 16] at stride 32, M [16, 16]. kStride: A's row stride, or 0: `stride`.
template <int NR, int64_t kStride>
HWY_NOINLINE void AuRows(const float* a, int64_t stride, int64_t depth, const float* u, bool before,
                         const float* v, const float* m, float* y) {
  const F32 d;
  const int64_t ld = kStride == 0 ? stride : kStride;
  F32s sums[NR][kV];
  HWY_UNROLL(24) for (int i = 0; i < NR; ++i) {
    HWY_UNROLL(4) for (int c = 0; c < kV; ++c) sums[i][c] = hn::Zero(d);
  }
  for (int64_t p = 0; p < depth; ++p, u += kB) {
    F32s x[kV];
    HWY_UNROLL(4) for (int c = 0; c < kV; ++c) x[c] = hn::Load(d, u + c * kW);
    HWY_UNROLL(24) for (int i = 0; i < NR; ++i) {
      const F32s factor = hn::Set(d, a[i * ld + p]);
      HWY_UNROLL(4) for (int c = 0; c < kV; ++c) sums[i][c] = hn::MulAdd(factor, x[c], sums[i][c]);
    }
  }
  if (before) {
    HWY_UNROLL(24) for (int i = 0; i < NR; ++i) {
      HWY_UNROLL(4) for (int c = 0; c < kV; ++c) {
        sums[i][c] = hn::Add(sums[i][c], hn::Load(d, y + i * 2 * kB + c * kW));
      }
    }
  }
  for (int p = 0; p < kB && v != nullptr; ++p, m += kB) {
    F32s x[kV];
    HWY_UNROLL(4) for (int c = 0; c < kV; ++c) x[c] = hn::Load(d, m + c * kW);
    HWY_UNROLL(24) for (int i = 0; i < NR; ++i) {
      const F32s factor = hn::Set(d, v[i * 2 * kB + p]);
      HWY_UNROLL(4) for (int c = 0; c < kV; ++c) sums[i][c] = hn::NegMulAdd(factor, x[c], sums[i][c]);
    }
  }
  HWY_UNROLL(24) for (int i = 0; i < NR; ++i) {
    HWY_UNROLL(4) for (int c = 0; c < kV; ++c) hn::Store(sums[i][c], d, y + i * 2 * kB + c * kW);
  }
}

// Z [rows, 16] at stride 32 = A U − V M, A [rows, depth].
template <int64_t kStride>
HWY_NOINLINE void MultiplyAu(const float* a, int64_t stride, int64_t rows, int64_t depth, const float* u,
                             const float* v, const float* m, float* z) {
  for (int64_t k = 0; k < depth; k += kTerms) {
    const int64_t terms = std::min(kTerms, depth - k);
    const bool last = k + terms == depth;
    const auto run = [&]<int NR>(int64_t r) HWY_ATTR {
      AuRows<NR, kStride>(a + r * stride + k, stride, terms, u + k * kB, k > 0,
                          last ? v + r * 2 * kB : nullptr, m, z + r * 2 * kB);
    };
    int64_t r = 0;
    for (; r + kTall[0] <= rows && !(kWide && rows - r == 32); r += kTall[0])
      run.template operator()<kTall[0]>(r);
    for (; r + kTall[1] <= rows; r += kTall[1]) run.template operator()<kTall[1]>(r);
    for (; r + kTall[2] <= rows; r += kTall[2]) run.template operator()<kTall[2]>(r);
  }
}

HWY_INLINE void multiply_au(const float* a, int64_t stride, int64_t rows, int64_t depth, const float* u,
                            const float* v, const float* m, float* z) {
  if (stride == kStrides[0]) return MultiplyAu<kStrides[0]>(a, stride, rows, depth, u, v, m, z);
  if (stride == kStrides[1]) return MultiplyAu<kStrides[1]>(a, stride, rows, depth, u, v, m, z);
  if (stride == kStrides[2]) return MultiplyAu<kStrides[2]>(a, stride, rows, depth, u, v, m, z);
  if (stride == kStrides[3]) return MultiplyAu<kStrides[3]>(a, stride, rows, depth, u, v, m, z);
  MultiplyAu<0>(a, stride, rows, depth, u, v, m, z);
}

// M [16, 16] = W U, W in chunks; cut as MultiplyAu cuts, so that what must cancel is rounded alike.
HWY_NOINLINE void MultiplyWu(const float* w, const float* u, int64_t depth, float* m) {
  const F32 d;
  constexpr int kRows = kWide ? kB : 4;
  for (int h = 0; h < kB; h += kRows) {
    for (int64_t begin = 0; begin < depth; begin += kTerms) {
      const int64_t end = std::min(depth, begin + kTerms);
      F32s sums[kRows][kV];
      HWY_UNROLL(16) for (int i = 0; i < kRows; ++i) {
        HWY_UNROLL(4) for (int c = 0; c < kV; ++c) sums[i][c] = hn::Zero(d);
      }
      for (int64_t p = begin; p < end; ++p) {
        const float* const row = w + p / kB * kChunk + p % kB + h * kB;
        F32s x[kV];
        HWY_UNROLL(4) for (int c = 0; c < kV; ++c) x[c] = hn::Load(d, u + p * kB + c * kW);
        HWY_UNROLL(16) for (int i = 0; i < kRows; ++i) {
          const F32s factor = hn::Set(d, row[i * kB]);
          HWY_UNROLL(4) for (int c = 0; c < kV; ++c) sums[i][c] = hn::MulAdd(factor, x[c], sums[i][c]);
        }
      }
      HWY_UNROLL(16) for (int i = 0; i < kRows; ++i) {
        HWY_UNROLL(4) for (int c = 0; c < kV; ++c) {
          float* const to = m + (h + i) * kB + c * kW;
          hn::Store(begin == 0 ? sums[i][c] : hn::Add(sums[i][c], hn::Load(d, to)), d, to);
        }
      }
    }
  }
}

// NV vectors of columns of C − L R into `to`, L [rows, K] at stride 32, R's vectors at `right`.
template <int K, int NV>
HWY_INLINE void update_tile(const float* c, int64_t stride, const float* left,
                            const float* const (&right)[NV], float* const (&to)[NV], int64_t to_stride) {
  const F32 d;
  F32s sums[kTileRows][NV];
  HWY_UNROLL(8) for (int i = 0; i < kTileRows; ++i) {
    HWY_UNROLL(4) for (int v = 0; v < NV; ++v) sums[i][v] = hn::Zero(d);
  }
  HWY_UNROLL(8) for (int k = 0; k < K; ++k) {
    F32s x[NV];
    HWY_UNROLL(4) for (int v = 0; v < NV; ++v) x[v] = hn::Load(d, right[v] + k * kB);
    HWY_UNROLL(8) for (int i = 0; i < kTileRows; ++i) {
      const F32s factor = hn::Set(d, left[i * 2 * kB + k]);
      HWY_UNROLL(4) for (int v = 0; v < NV; ++v) sums[i][v] = hn::NegMulAdd(factor, x[v], sums[i][v]);
    }
  }
  HWY_UNROLL(8) for (int i = 0; i < kTileRows; ++i) {
    HWY_UNROLL(4) for (int v = 0; v < NV; ++v) {
      hn::Store(hn::Add(sums[i][v], hn::Load(d, c + i * stride + v * kW)), d, to[v] + i * to_stride);
    }
  }
}

// Into chunks if `chunks`, else in place of C.
template <int K, int NV>
HWY_NOINLINE void UpdateStrip(float* c, int64_t stride, int64_t rows, const float* left, const float* right,
                              int64_t first, float* chunks) {
  const float* r[NV];
  for (int v = 0; v < NV; ++v) r[v] = right + in_chunks(first + v);
  c += first * kW;
  for (int64_t i = 0; i < rows; i += kTileRows, c += kTileRows * stride) {
    float* to[NV];
    for (int v = 0; v < NV; ++v)
      to[v] = chunks != nullptr ? chunks + in_chunks(first + v) + i * kB : c + v * kW;
    update_tile<K, NV>(c, stride, left + i * 2 * kB, r, to, chunks != nullptr ? kB : stride);
  }
}

template <int K>
HWY_INLINE void update(float* c, int64_t stride, int64_t rows, int64_t cols, const float* left,
                       const float* right, float* chunks) {
  const int64_t vectors = cols / kW;
  int64_t i = 0;
  for (; i + 3 <= vectors; i += 3) UpdateStrip<K, 3>(c, stride, rows, left, right, i, chunks);
  if (vectors - i == 2) UpdateStrip<K, 2>(c, stride, rows, left, right, i, chunks);
  if (vectors - i == 1) UpdateStrip<K, 1>(c, stride, rows, left, right, i, chunks);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
