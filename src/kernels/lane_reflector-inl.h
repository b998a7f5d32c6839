// SPDX-License-Identifier: MIT
// Householder reflectors of 16 elements, a matrix in each lane, in f32 or f64; to be included once per
// instruction set.
#if defined(LINFORMER_KERNELS_LANE_REFLECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_LANE_REFLECTOR_INL_H_
#undef LINFORMER_KERNELS_LANE_REFLECTOR_INL_H_
#else
#define LINFORMER_KERNELS_LANE_REFLECTOR_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "kernels/band_reduction.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr int kB = kBandwidth;
constexpr double kTiny = 1e-24;  // a squared norm that counts as zero

// What a chase in T works with, f32 or f64.
template <class T>
struct Lanes {
  // Eight, and not 16: the blocks at hand then fit the first-level cache.
  using Tag = hn::CappedTag<T, 8>;
  using V = hn::Vec<Tag>;
  static constexpr int kCount = HWY_LANES(T) < 8 ? HWY_LANES(T) : 8;

  // Columns −15 .. 31 beside the diagonal are kept of each row, a vector each; a row begins one vector after
  // where the one above it ends, so that the rows of a block are this far apart.
  static constexpr int64_t kKept = 3 * kB - 1;
  static constexpr int64_t kRow = kKept * kCount;

  static HWY_INLINE int64_t at(int64_t row, int64_t col) { return (row * kKept + col + kB - 1) * kCount; }
  static HWY_INLINE V load(const T* p, int64_t i = 0) { return hn::Load(Tag(), p + i * kCount); }
  static HWY_INLINE void store(V x, T* p, int64_t i = 0) { hn::Store(x, Tag(), p + i * kCount); }
};

template <class T>
using VecOf = typename Lanes<T>::V;

// What a vector is multiplied by, in f32 to more than that: a factor that is rounded scales whole rows, and
// where a reflector's τ is one, thousands of them add up.
template <class T>
struct Factor;

template <>
struct Factor<float> {
  VecOf<float> high, low;

  HWY_INLINE VecOf<float> times(VecOf<float> x) const { return hn::MulAdd(high, x, hn::Mul(low, x)); }
};

template <>
struct Factor<double> {
  VecOf<double> value;

  HWY_INLINE VecOf<double> times(VecOf<double> x) const { return hn::Mul(value, x); }
};

// For the x of 16 vectors: v = x + β e₁, β = ‖x‖ with the sign of x's first element, replaces it, and τ = 2 /
// ‖v‖² of the v that is kept, so that I − τ v vᵀ is orthogonal; then (I − τ v vᵀ) x = −β e₁. Where x counts
// as zero, β and τ are 0.
HWY_INLINE void make_reflector(float* x, VecOf<float>& beta, Factor<float>& tau) {
  using L = Lanes<float>;
  constexpr int kLanes = L::kCount, kLanes64 = HWY_LANES(double) < kLanes ? HWY_LANES(double) : kLanes;
  using F64 = hn::CappedTag<double, kLanes>;  // some of the lanes at a time
  const L::Tag d;
  const F64 d64;
  const hn::Rebind<float, F64> some;
  HWY_ALIGN float betas[kLanes], highs[kLanes], lows[kLanes];
  for (int l = 0; l < kLanes; l += kLanes64) {
    hn::Vec<F64> sums[2] = {hn::Zero(d64), hn::Zero(d64)};
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
      const auto value = hn::PromoteTo(d64, hn::Load(some, x + c * kLanes + l));
      sums[c % 2] = hn::MulAdd(value, value, sums[c % 2]);
    }
    const auto squares = hn::Add(sums[0], sums[1]), first = hn::PromoteTo(d64, hn::Load(some, x + l));
    const auto there = hn::Gt(squares, hn::Set(d64, kTiny));
    const auto norm = hn::IfThenElseZero(there, hn::CopySign(hn::Sqrt(squares), first));
    const auto rounded = hn::DemoteTo(some, norm);
    const auto kept = hn::PromoteTo(d64, hn::Add(hn::Load(some, x + l), rounded));
    const auto norm_of_v = hn::MulAdd(kept, kept, hn::NegMulAdd(first, first, squares));
    const auto exact = hn::IfThenElseZero(
        there, hn::Div(hn::Set(d64, 2.0), hn::IfThenElse(there, norm_of_v, hn::Set(d64, 1.0))));
    const auto high = hn::DemoteTo(some, exact);
    hn::Store(rounded, some, betas + l);
    hn::Store(high, some, highs + l);
    hn::Store(hn::DemoteTo(some, hn::Sub(exact, hn::PromoteTo(d64, high))), some, lows + l);
  }
  beta = hn::Load(d, betas);
  tau = {hn::Load(d, highs), hn::Load(d, lows)};
  L::store(hn::Add(L::load(x), beta), x);
}

HWY_INLINE void make_reflector(double* x, VecOf<double>& beta, Factor<double>& tau) {
  using L = Lanes<double>;
  const L::Tag d;
  VecOf<double> sums[2] = {hn::Zero(d), hn::Zero(d)};
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
    const auto value = L::load(x, c);
    sums[c % 2] = hn::MulAdd(value, value, sums[c % 2]);
  }
  const auto squares = hn::Add(sums[0], sums[1]), first = L::load(x);
  const auto there = hn::Gt(squares, hn::Set(d, kTiny));
  beta = hn::IfThenElseZero(there, hn::CopySign(hn::Sqrt(squares), first));
  const auto kept = hn::Add(first, beta);
  const auto norm_of_v = hn::MulAdd(kept, kept, hn::NegMulAdd(first, first, squares));
  tau.value =
      hn::IfThenElseZero(there, hn::Div(hn::Set(d, 2.0), hn::IfThenElse(there, norm_of_v, hn::Set(d, 1.0))));
  L::store(kept, x);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
