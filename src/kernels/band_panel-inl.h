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

using F64 = hn::CappedTag<double, kW>;
using F64s = hn::Vec<F64>;
constexpr int kW64 = HWY_LANES(double) < kW ? HWY_LANES(double) : kW;  // lanes
constexpr int kParts = kW / kW64;                                      // vectors for one of f32

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

// squares += x² for the elements of x[kW] but for the first `hidden`. In f64: a reflector is as orthogonal as
// its column's norm is exact, and a thousand of them add up.
HWY_INLINE void add_squares(const float* x, int hidden, F64s (&squares)[kParts]) {
  const F64 d;
  const hn::Rebind<float, F64> some;
  HWY_UNROLL(4) for (int i = 0; i < kParts; ++i, hidden -= kW64) {
    F64s value = hn::PromoteTo(d, hn::Load(some, x + i * kW64));
    if (hidden > 0) value = hn::IfThenZeroElse(hn::FirstN(d, static_cast<size_t>(hidden)), value);
    squares[i] = hn::MulAdd(value, value, squares[i]);
  }
}

// Columns whose sums are kept in registers together.
constexpr int kTogether = kWide ? 16 : 8;

// Rows `first` .. `first` + kW of a chunk, columns kFirst .. kFirst + kTogether: those c > J + 1 become P_c +
// coefficient_c v, v = column J (J = −1: they stay); with x = column J + 1, from row J + 1 on, products[c] +=
// x P_c, but not of x itself. The pass of kFirst = 0 updates x as well, and takes its squares.
template <int J, int kFirst>
HWY_INLINE void panel_rows(float* p, int first, const float* coefficients, F32s (&products)[kTogether],
                           F64s (&squares)[kParts]) {
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
  if constexpr (kFirst == 0) add_squares(p + kNext * kB, kNext - first, squares);
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

// What a pass over the columns finds of the next one, x.
struct PanelSums {
  HWY_ALIGN float products[kB];  ///< xᵀ P
  double squares;                ///< ‖x‖²
};

template <int J, int kFirst>
HWY_INLINE void panel_pass(float* p, int64_t rows, const float* coefficients, PanelSums& sums) {
  const F32 d;
  const F64 d64;
  F32s products[kTogether];
  F64s squares[kParts];
  HWY_UNROLL(16) for (int c = 0; c < kTogether; ++c) products[c] = hn::Zero(d);
  HWY_UNROLL(4) for (int i = 0; i < kParts; ++i) squares[i] = hn::Zero(d64);
  for (int i = 0; i < kV; ++i) panel_rows<J, kFirst>(p + i * kW, i * kW, coefficients, products, squares);
  for (int64_t q = kB; q < rows; q += kB) {
    p += kChunk;
    for (int i = 0; i < kV; ++i) panel_rows<J, kFirst>(p + i * kW, kB, coefficients, products, squares);
  }
  sum_lanes(products, sums.products + kFirst);
  if constexpr (kFirst > 0) return;
  HWY_UNROLL(4) for (int i = 1; i < kParts; ++i) squares[0] = hn::Add(squares[0], squares[i]);
  sums.squares = hn::GetLane(hn::SumOfLanes(d64, squares[0]));
}

// Applies reflector J to the columns after it, and takes the sums of column J + 1.
template <int J>
HWY_NOINLINE void PanelStep(float* p, int64_t rows, const float* coefficients, PanelSums& sums) {
  panel_pass<J, 0>(p, rows, coefficients, sums);
  if constexpr (kTogether < kB) panel_pass<J, kTogether>(p, rows, coefficients, sums);
}

// Column j of the factorisation, x, becomes v. `sums`: those of x, from row j on; `coefficients`: what the
// columns after it are to become, P_c + coefficient_c v. r[j]: column j of R; t[j]: column j of T.
HWY_INLINE void panel_column(int j, float* p, int64_t rows, const PanelSums& sums, float* coefficients,
                             float* r, float* t) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  float* const column = p + j * kB;
  const float x0 = column[j];
  float beta = 0, tau = 0;
  if (sums.squares > kTiny) {
    // v = x + β e_j as it is kept, and τ = 2 / ‖v‖²
    beta = std::copysign(static_cast<float>(std::sqrt(sums.squares)), x0);
    const double first = x0, kept = x0 + beta;
    tau = static_cast<float>(2 / (sums.squares - first * first + kept * kept));
  }
  HWY_ALIGN float along[kB];  // v · P_c
  for (int i = 0; i < kB; i += kW) {
    const auto row = hn::GatherIndex(d, p + j, hn::Mul(hn::Iota(di, i), hn::Set(di, kB)));
    const F32s product = hn::MulAdd(hn::Set(d, beta), row, hn::Load(d, sums.products + i));
    hn::Store(product, d, along + i);
    hn::Store(hn::Mul(hn::Set(d, -tau), product), d, coefficients + i);
  }
  for (int i = 0; i < kB; i += kW) {
    const auto above = hn::FirstN(d, static_cast<size_t>(std::max(0, j - i)));
    const F32s x = hn::Load(d, column + i);
    hn::Store(hn::IfThenElseZero(above, x), d, r + j * kB + i);
    hn::Store(hn::IfThenZeroElse(above, x), d, column + i);
  }
  r[j * kB + j] = tau == 0 ? x0 : -beta;
  column[j] = x0 + beta;
  if (tau == 0) {
    for (int64_t q = 0; q < rows; q += kB) std::fill_n(column + q / kB * kChunk, kB, 0.0f);
  }
  // T's column j: −τ T (Vᵀ v), and τ on the diagonal
  for (int i = 0; i < kB; i += kW) {
    F32s even = hn::Zero(d), odd = hn::Zero(d);
    for (int l = 0; l + 1 < j; l += 2) {
      even = hn::MulAdd(hn::Set(d, along[l]), hn::Load(d, t + l * kB + i), even);
      odd = hn::MulAdd(hn::Set(d, along[l + 1]), hn::Load(d, t + (l + 1) * kB + i), odd);
    }
    if (j % 2 != 0) {
      even = hn::MulAdd(hn::Set(d, along[j - 1]), hn::Load(d, t + (j - 1) * kB + i), even);
    }
    hn::Store(hn::Mul(hn::Set(d, -tau), hn::Add(even, odd)), d, t + j * kB + i);
  }
  t[j * kB + j] = tau;
}

template <int... J>
HWY_INLINE void factor_panel(std::integer_sequence<int, J...>, float* p, int64_t rows, float* r, float* t) {
  using Step = void (*)(float*, int64_t, const float*, PanelSums&);
  static constexpr Step kSteps[] = {PanelStep<J>...};
  HWY_ALIGN float coefficients[kB];
  PanelSums sums;
  PanelStep<-1>(p, rows, nullptr, sums);
  for (int j = 0; j < kB; ++j) {
    panel_column(j, p, rows, sums, coefficients, r, t);
    if (j + 1 < kB) kSteps[j](p, rows, coefficients, sums);
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
