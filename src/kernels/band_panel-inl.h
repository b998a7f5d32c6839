// SPDX-License-Identifier: MIT
// The QR of 16 columns, in one pass over them for each; to be included once per instruction set.
#if defined(LINFORMER_KERNELS_BAND_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_BAND_PANEL_INL_H_
#undef LINFORMER_KERNELS_BAND_PANEL_INL_H_
#else
#define LINFORMER_KERNELS_BAND_PANEL_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "kernels/band_reduction.h"

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
constexpr bool kWide = kW == 16;

// Two panels of 16 rows or columns side by side: chunk q holds elements 16q .. 16q + 15 of each of 32
// vectors, vector c at c · 16.
constexpr int64_t kChunk = 32 * kB;
constexpr double kTiny = 1e-24;  // a squared norm that counts as zero

// to[c] = the sum of a[c]'s lanes, for N columns.
template <int N>
HWY_INLINE void sum_lanes(const F32s (&a)[N], float* to) {
  const F32 d;
  HWY_ALIGN float rows[N * kW];
  HWY_UNROLL(16) for (int c = 0; c < N; ++c) hn::Store(a[c], d, rows + c * kW);
#if HWY_TARGET == HWY_SCALAR
  for (int c = 0; c < N; ++c) to[c] = rows[c];
#else
  const hn::FixedTag<float, 4> d4;
  HWY_UNROLL(4) for (int c = 0; c < N; c += 4) {
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

// Columns whose sums are kept in registers together.
constexpr int kTogether = kWide ? 16 : 8;

// Rows `first` .. `first` + kW of a chunk, columns kFirst .. kFirst + kTogether: those c > J + 1 become P_c +
// coefficient_c v, v = column J (J = −1: they stay); with x = column J + 1, from row J + 1 on, products[c] +=
// x P_c, but not of x itself, whose norm is taken in f64. The pass of kFirst = 0 updates x as well.
template <int J, int kFirst>
HWY_INLINE void panel_rows(float* p, int first, const float* coefficients, F32s (&products)[kTogether]) {
  const F32 d;
  constexpr int kNext = J + 1;
  F32s v = hn::Zero(d), x = hn::Load(d, p + kNext * kB);
  if constexpr (J >= 0) {
    v = hn::Load(d, p + J * kB);
    if constexpr (kFirst == 0) {
      x = hn::MulAdd(v, hn::Set(d, coefficients[kNext]), x);
      hn::Store(x, d, p + kNext * kB);
    }
  }
  if (first < kNext) x = hn::IfThenZeroElse(hn::FirstN(d, static_cast<size_t>(kNext - first)), x);
  HWY_UNROLL(16) for (int i = 0; i < kTogether; ++i) {
    const int c = kFirst + i;
    if (c == kNext) continue;
    F32s t = hn::Load(d, p + c * kB);
    if (J >= 0 && c > kNext) {
      t = hn::MulAdd(v, hn::Set(d, coefficients[c]), t);
      hn::Store(t, d, p + c * kB);
    }
    products[i] = hn::MulAdd(x, t, products[i]);
  }
}

template <int J, int kFirst>
HWY_INLINE void panel_pass(float* p, int64_t rows, const float* coefficients, float* products) {
  const F32 d;
  F32s sums[kTogether];
  HWY_UNROLL(16) for (int c = 0; c < kTogether; ++c) sums[c] = hn::Zero(d);
  for (int i = 0; i < kV; ++i) panel_rows<J, kFirst>(p + i * kW, i * kW, coefficients, sums);
  for (int64_t q = kB; q < rows; q += kB) {
    p += kChunk;
    for (int i = 0; i < kV; ++i) panel_rows<J, kFirst>(p + i * kW, kB, coefficients, sums);
  }
  sum_lanes(sums, products + kFirst);
}

// Applies reflector J to the columns after it, and takes the products of column J + 1 with all others.
template <int J>
HWY_NOINLINE void PanelStep(float* p, int64_t rows, const float* coefficients, float* products) {
  panel_pass<J, 0>(p, rows, coefficients, products);
  if constexpr (kTogether < kB) panel_pass<J, kTogether>(p, rows, coefficients, products);
}

// Of a column in chunks, from row j on. In f64: a reflector is as orthogonal as this is exact, and a thousand
// of them add up.
HWY_INLINE double squared_norm(const float* column, int64_t rows, int j) {
  double sums[kB] = {};
  for (int l = j; l < kB; ++l) sums[l] = static_cast<double>(column[l]) * static_cast<double>(column[l]);
  for (int64_t q = kB; q < rows; q += kB) {
    column += kChunk;
    for (int l = 0; l < kB; ++l) sums[l] += static_cast<double>(column[l]) * static_cast<double>(column[l]);
  }
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

// Column j of the factorisation, x, becomes v. `products`: xᵀ P, from row j on; `coefficients`: what the
// columns after it are to become, P_c + coefficient_c v. r[j]: column j of R; t[j]: column j of T.
HWY_INLINE void panel_column(int j, float* p, int64_t rows, const float* products, float* coefficients,
                             float* r, float* t) {
  float along[kB] = {};
  float* const column = p + j * kB;
  const float x0 = column[j];
  const double squares = squared_norm(column, rows, j);
  float pivot = x0, tau = 0;
  for (int i = 0; i < kB; ++i) r[j * kB + i] = i < j ? column[i] : 0.0f;
  if (squares > kTiny) {
    const float beta = std::copysign(static_cast<float>(std::sqrt(squares)), x0);
    // v = x + β e_j as it is kept, τ = 2 / ‖v‖², and v · P_c
    const float v0 = x0 + beta;
    pivot = -beta;
    const double first = x0, kept = v0;
    tau = static_cast<float>(2 / (squares - first * first + kept * kept));
    for (int i = 0; i < j; ++i) column[i] = 0;
    column[j] = v0;
    for (int c = 0; c < kB; ++c) along[c] = products[c] + beta * p[c * kB + j];
  } else {
    for (int64_t q = 0; q < rows; q += kB) std::fill_n(column + q / kB * kChunk, kB, 0.0f);
  }
  for (int c = 0; c < kB; ++c) coefficients[c] = -tau * along[c];
  r[j * kB + j] = pivot;
  // T's column j: −τ T (Vᵀ v), and τ on the diagonal
  float column_t[kB] = {};
  for (int i = 0; i < j; ++i) {
    for (int l = 0; l < kB; ++l) column_t[l] += along[i] * t[i * kB + l];
  }
  for (int l = 0; l < kB; ++l) t[j * kB + l] = l == j ? tau : -tau * column_t[l];
}

template <int... J>
HWY_INLINE void factor_panel(std::integer_sequence<int, J...>, float* p, int64_t rows, float* r, float* t) {
  using Step = void (*)(float*, int64_t, const float*, float*);
  static constexpr Step kSteps[] = {PanelStep<J>...};
  HWY_ALIGN float products[kB], coefficients[kB];
  PanelStep<-1>(p, rows, nullptr, products);
  for (int j = 0; j < kB; ++j) {
    panel_column(j, p, rows, products, coefficients, r, t);
    if (j + 1 < kB) kSteps[j](p, rows, coefficients, products);
  }
}

// Q R of the first 16 columns in chunks, rows >= 16, Q = I − V T Vᵀ: they become V, whose columns are not
// normalised; row j of r and t is column j of R and T.
HWY_NOINLINE void FactorPanel(float* p, int64_t rows, float* r, float* t) {
  factor_panel(std::make_integer_sequence<int, kB - 1>(), p, rows, r, t);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
