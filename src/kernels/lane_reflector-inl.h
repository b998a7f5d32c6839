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

// For the x of 16 vectors: v = x + β e₁, β = ‖x‖ with the sign of x's first element, replaces it, and τ = 2 /
// ‖v‖² of the v that is kept, so that I − τ v vᵀ is orthogonal; then (I − τ v vᵀ) x = −β e₁. Where x counts
// as zero, β and τ are 0.
template <class T>
HWY_INLINE void make_reflector(T* x, VecOf<T>& beta, VecOf<T>& tau) {
  using L = Lanes<T>;
  const typename L::Tag d;
  VecOf<T> sums[4];
  HWY_UNROLL(4) for (int i = 0; i < 4; ++i) sums[i] = hn::Zero(d);
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
    const auto value = L::load(x, c);
    sums[c % 4] = hn::MulAdd(value, value, sums[c % 4]);
  }
  const auto squares = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])), first = L::load(x);
  const auto there = hn::Gt(squares, hn::Set(d, static_cast<T>(kTiny)));
  beta = hn::IfThenElseZero(there, hn::CopySign(hn::Sqrt(squares), first));
  const auto kept = hn::Add(first, beta);
  const auto norm_of_v = hn::MulAdd(kept, kept, hn::NegMulAdd(first, first, squares));
  tau = hn::IfThenElseZero(there,
                           hn::Div(hn::Set(d, T{2}), hn::IfThenElse(there, norm_of_v, hn::Set(d, T{1}))));
  L::store(kept, x);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
