// SPDX-License-Identifier: MIT
// For each block of 16 columns: QR of the columns below the diagonal, A ← (I − V T Vᵀ)ᵀ A, then LQ of the 16
// rows to their right, A ← A (I − U S Uᵀ). Both come as one update of rank 32: with W = Tᵀ Vᵀ A and Z = A (U
// S) − V (W U S),
//   A ← A − V W − Z Uᵀ,
// where Z is computed of the A that is not yet updated. All but O(n²) operations are products of a large
// matrix with 16 or 32 vectors, in place: A is never packed.
#include "kernels/band_reduction.h"

#include <algorithm>
#include <cmath>
#include <utility>

// Compiled once per instruction set. Arrays of vectors need a known number of lanes.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/band_reduction.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr int kB = kBandwidth;
using F32 = hn::CappedTag<float, kBandwidth>;
using F32s = hn::Vec<F32>;
constexpr int kW = HWY_LANES(float) < kB ? HWY_LANES(float) : kB;  // lanes
constexpr int kV = kB / kW;                                        // vectors of a row of 16

// Two panels of 16 rows or columns side by side: chunk q holds elements 16q .. 16q + 15 of each of 32
// vectors, vector c at c · 16.
constexpr int64_t kChunk = 32 * kB;
// Sums over rows or columns are cut after so many terms; the same cuts wherever terms must cancel.
constexpr int64_t kTerms = 64;
constexpr double kTiny = 1e-24;

// Rows of a tile in registers; beside them three vectors of columns, or 16 columns.
constexpr bool kWide = kW == 16;
constexpr int kTileRows = kWide ? 8 : 4;
constexpr int kTall[3] = {kWide ? 24 : 6, kWide ? 16 : 4, kWide ? 8 : 2};

// ---- The QR of a panel: 16 columns in chunks.

// to[c] = the sum of a[c]'s lanes.
HWY_INLINE void sum_lanes(const F32s (&a)[kB], float* to) {
  const F32 d;
  HWY_ALIGN float rows[kB * kW];
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) hn::Store(a[c], d, rows + c * kW);
#if HWY_TARGET == HWY_SCALAR
  for (int c = 0; c < kB; ++c) to[c] = rows[c];
#else
  const hn::FixedTag<float, 4> d4;
  HWY_UNROLL(4) for (int c = 0; c < kB; c += 4) {
    hn::Vec<hn::FixedTag<float, 4> > s[4];
    HWY_UNROLL(4) for (int r = 0; r < 4; ++r) {
      s[r] = hn::Load(d4, rows + (c + r) * kW);
      HWY_UNROLL(4)
      for (int l = 4; l < kW; l += 4) s[r] = hn::Add(s[r], hn::Load(d4, rows + (c + r) * kW + l));
    }
    const auto l0 = hn::InterleaveLower(d4, s[0], s[2]), l1 = hn::InterleaveLower(d4, s[1], s[3]);
    const auto u0 = hn::InterleaveUpper(d4, s[0], s[2]), u1 = hn::InterleaveUpper(d4, s[1], s[3]);
    hn::Store(hn::Add(hn::Add(hn::InterleaveLower(d4, l0, l1), hn::InterleaveUpper(d4, l0, l1)),
                      hn::Add(hn::InterleaveLower(d4, u0, u1), hn::InterleaveUpper(d4, u0, u1))),
              d4, to + c);
  }
#endif
}

// Rows `first` .. `first` + kW of a chunk: columns c > J become P_c + coefficient_c v, v = column J (J = −1:
// they stay); with x = column J + 1, from row J + 1 on, products[c] += x P_c.
template <int J>
HWY_INLINE void panel_rows(float* p, int first, const float* coefficients, F32s (&products)[kB]) {
  const F32 d;
  constexpr int kNext = J + 1;
  F32s v = hn::Zero(d), x = hn::Load(d, p + kNext * kB);
  if constexpr (J >= 0) {
    v = hn::Load(d, p + J * kB);
    x = hn::MulAdd(v, hn::Set(d, coefficients[kNext]), x);
    hn::Store(x, d, p + kNext * kB);
  }
  if (first < kNext) x = hn::IfThenZeroElse(hn::FirstN(d, static_cast<size_t>(kNext - first)), x);
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
    F32s t = c == kNext ? x : hn::Load(d, p + c * kB);
    if (J >= 0 && c > kNext) {
      t = hn::MulAdd(v, hn::Set(d, coefficients[c]), t);
      hn::Store(t, d, p + c * kB);
    }
    products[c] = hn::MulAdd(x, t, products[c]);
  }
}

template <int J>
HWY_NOINLINE void PanelStep(float* p, int64_t rows, const float* coefficients, float* products) {
  const F32 d;
  F32s sums[kB];
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) sums[c] = hn::Zero(d);
  for (int i = 0; i < kV; ++i) panel_rows<J>(p + i * kW, i * kW, coefficients, sums);
  for (int64_t q = kB; q < rows; q += kB) {
    p += kChunk;
    for (int i = 0; i < kV; ++i) panel_rows<J>(p + i * kW, kB, coefficients, sums);
  }
  sum_lanes(sums, products);
}

// Of a column in chunks, from row J on. In f64: a reflector is as orthogonal as this is exact, and a thousand
// of them add up.
HWY_INLINE double squared_norm(const float* column, int64_t rows, int J) {
  double sums[kB] = {};
  for (int l = J; l < kB; ++l) sums[l] = static_cast<double>(column[l]) * static_cast<double>(column[l]);
  for (int64_t q = kB; q < rows; q += kB) {
    column += kChunk;
    for (int l = 0; l < kB; ++l) sums[l] += static_cast<double>(column[l]) * static_cast<double>(column[l]);
  }
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

// Column J of the factorisation. `products`: xᵀ P of its column x, from row J on; becomes that of the next
// column. r[J]: column J of R; t[J]: column J of T.
template <int J>
HWY_INLINE void panel_column(float* p, int64_t rows, float* products, float* r, float* t) {
  HWY_ALIGN float coefficients[kB] = {}, along[kB] = {};
  float* const column = p + J * kB;
  const float x0 = column[J];
  const double squares = squared_norm(column, rows, J);
  float pivot = x0, tau = 0;
  for (int i = 0; i < kB; ++i) r[J * kB + i] = i < J ? column[i] : 0.0f;
  if (squares > kTiny) {
    const double norm = std::sqrt(squares);
    const float beta = std::copysign(static_cast<float>(norm), x0);
    pivot = -beta;
    const double b = beta;
    tau = static_cast<float>(2 / (squares + 2 * b * static_cast<double>(x0) + b * b));  // 2 / ‖v‖²
    // v = x + β e_J, and v · P_c
    for (int i = 0; i < J; ++i) column[i] = 0;
    column[J] = x0 + beta;
    for (int c = 0; c < kB; ++c) {
      const float row = c == J ? x0 : p[c * kB + J];
      along[c] = products[c] + beta * row;
      coefficients[c] = -tau * along[c];
    }
  } else {
    for (int64_t q = 0; q < rows; q += kB) std::fill_n(column + q / kB * kChunk, kB, 0.0f);
  }
  r[J * kB + J] = pivot;
  // T's column J: −τ T (Vᵀ v), and τ on the diagonal
  float column_t[kB] = {};
  for (int i = 0; i < J; ++i) {
    for (int l = 0; l < kB; ++l) column_t[l] += along[i] * t[i * kB + l];
  }
  for (int l = 0; l < kB; ++l) t[J * kB + l] = l == J ? tau : -tau * column_t[l];
  if constexpr (J + 1 < kB) PanelStep<J>(p, rows, coefficients, products);
}

template <int... J>
HWY_INLINE void panel_columns(std::integer_sequence<int, J...>, float* p, int64_t rows, float* r, float* t) {
  HWY_ALIGN float products[kB];
  PanelStep<-1>(p, rows, nullptr, products);
  (panel_column<J>(p, rows, products, r, t), ...);
}

// Q R of the first 16 columns in chunks, rows >= 16, Q = I − V T Vᵀ: they become V, whose columns are not
// normalised; row j of r and t is column j of R and T.
HWY_NOINLINE void FactorPanel(float* p, int64_t rows, float* r, float* t) {
  panel_columns(std::make_integer_sequence<int, kB>(), p, rows, r, t);
}

// ---- Products.

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

// Rows `h` .. `h` + kTileRows of W = Vᵀ A, NV vectors of columns. V [rows, 16] at stride 32.
template <int NV>
HWY_INLINE void vta_tile(const float* v, const float* a, int64_t stride, int64_t rows,
                         float* const (&w)[NV]) {
  const F32 d;
  for (int64_t begin = 0; begin < rows; begin += kTerms) {
    const int64_t end = std::min(rows, begin + kTerms);
    F32s sums[kTileRows][NV];
    HWY_UNROLL(8) for (int i = 0; i < kTileRows; ++i) {
      HWY_UNROLL(4) for (int c = 0; c < NV; ++c) sums[i][c] = hn::Zero(d);
    }
    for (int64_t p = begin; p < end; ++p, a += stride, v += 2 * kB) {
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
        hn::Store(begin == 0 ? sums[i][c] : hn::Add(sums[i][c], hn::Load(d, to)), d, to);
      }
    }
  }
}

template <int NV>
HWY_NOINLINE void VtaStrip(const float* v, const float* a, int64_t stride, int64_t rows, int64_t first,
                           float* w) {
  for (int h = 0; h < kB; h += kTileRows) {
    float* at[NV];
    for (int c = 0; c < NV; ++c) at[c] = w + in_chunks(first + c) + h * kB;
    vta_tile<NV>(v + h, a + first * kW, stride, rows, at);
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

// ---- The reduction.

// Row strides that the products are compiled for: a known one saves as many address registers as rows.
constexpr int64_t kStrides[] = {144, 272, 528, 1040};

int64_t RowStride(int64_t cols) {
  for (const int64_t stride : kStrides) {
    if (cols <= stride) return stride;
  }
  return cols / kB % 2 == 0 ? cols + kB : cols;
}

int64_t Workspace(int64_t rows, int64_t cols) {
  // Chunks of a panel and of W and Uᵀ; V and Z side by side; U S; three 16 x 16.
  return 2 * kB * (rows + cols) + 2 * kB * rows + kB * cols + 3 * kB * kB;
}

HWY_INLINE void multiply_au(const float* a, int64_t stride, int64_t rows, int64_t depth, const float* u,
                            const float* v, const float* m, float* z) {
  if (stride == kStrides[0]) return MultiplyAu<kStrides[0]>(a, stride, rows, depth, u, v, m, z);
  if (stride == kStrides[1]) return MultiplyAu<kStrides[1]>(a, stride, rows, depth, u, v, m, z);
  if (stride == kStrides[2]) return MultiplyAu<kStrides[2]>(a, stride, rows, depth, u, v, m, z);
  if (stride == kStrides[3]) return MultiplyAu<kStrides[3]>(a, stride, rows, depth, u, v, m, z);
  MultiplyAu<0>(a, stride, rows, depth, u, v, m, z);
}

void Reduce(float* a, int64_t rows, int64_t cols, float* workspace, float* band) {
  const int64_t stride = RowStride(cols);
  float* const panel = workspace;           // [rows / 16] chunks
  float* const wu = panel + 2 * kB * rows;  // [cols / 16] chunks: W, then Uᵀ
  float* const vz = wu + 2 * kB * cols;     // [rows, 32]: V, then Z
  float* const us = vz + 2 * kB * rows;     // [cols, 16]: U S
  float* const r = us + kB * cols;
  float* const t = r + kB * kB;
  float* const m = t + kB * kB;
  constexpr int64_t kRow = kB + 1;
  for (int64_t k = 0; k < cols; k += kB) {
    const int64_t high = rows - k, wide = cols - k - kB;
    float* const ak = a + k * stride + k;
    for (int64_t i = 0; i < high; i += kB) transpose(ak + i * stride, stride, kB, kB, panel + i * 2 * kB, kB);
    FactorPanel(panel, high, r, t);
    for (int64_t j = 0; j < kB; ++j) {
      for (int64_t i = 0; i <= j; ++i) band[(k + i) * kRow + j - i] = r[j * kB + i];
    }
    if (wide == 0) break;
    for (int64_t i = 0; i < high; i += kB) transpose(panel + i * 2 * kB, kB, kB, kB, vz + i * 2 * kB, 2 * kB);

    float* const right = ak + kB;  // of the panel: the 16 rows that the LQ takes, and below them ...
    float* const rest = right + kB * stride;  // ... what goes on
    float* const ut = wu + kB * kB;
    const float* const v_rest = vz + kB * 2 * kB;
    multiply_vta(vz, right, stride, high, wide, wu);
    for (int64_t c = 0; c < wide; c += kB) MultiplyTransposedT(t, wu + c * 2 * kB);
    update<kB>(right, stride, kB, wide, vz, wu, ut);
    FactorPanel(ut, wide, r, t);
    for (int64_t j = 0; j < kB; ++j) {
      for (int64_t i = 0; i <= j; ++i) band[(k + j) * kRow + kB + i - j] = r[j * kB + i];
    }
    for (int64_t c = 0; c < wide; c += kB) {
      HWY_ALIGN float block[kB * kB];
      std::copy_n(ut + c * 2 * kB, kB * kB, block);
      MultiplyTransposedT(t, block);
      transpose(block, kB, kB, kB, us + c * kB, kB);
    }
    MultiplyWu(wu, us, wide, m);
    if (high > kB) {
      multiply_au(rest, stride, high - kB, wide, us, v_rest, m, vz + kB * 2 * kB + kB);
      update<2 * kB>(rest, stride, high - kB, wide, v_rest, wu, nullptr);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(RowStride);
HWY_EXPORT(Workspace);
HWY_EXPORT(Reduce);

int64_t band_row_stride(int64_t cols) { return HWY_DYNAMIC_DISPATCH(RowStride)(cols); }

int64_t band_workspace(int64_t rows, int64_t cols) { return HWY_DYNAMIC_DISPATCH(Workspace)(rows, cols); }

void reduce_to_band(float* a, int64_t rows, int64_t cols, float* workspace, float* band) {
  HWY_DYNAMIC_DISPATCH(Reduce)(a, rows, cols, workspace, band);
}

}  // namespace linformer
#endif
