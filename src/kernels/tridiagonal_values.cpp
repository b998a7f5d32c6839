// SPDX-License-Identifier: MIT
#include "kernels/tridiagonal_values.h"

#include <algorithm>
#include <cmath>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tridiagonal_values.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F64 = hn::ScalableTag<double>;
using F64s = hn::Vec<F64>;
constexpr int kLanes = HWY_LANES(double);
constexpr int kMostVectors = 4;  // side by side, so that divisions overlap
constexpr int kGroup = kMostVectors * kLanes;
constexpr int kMostSweeps = 30;  // a row

// A sweep of each matrix over its rows 0 .. end − 1.
struct Sweep {
  HWY_ALIGN double negligible[kGroup];  // squares up to it count as zero
  HWY_ALIGN double shift[kGroup];
  HWY_ALIGN double end[kGroup];
};

// The rotation at hand (cosine², sine²), γ and p of dsterf, of one vector of matrices.
struct State {
  HWY_INLINE State() {}  // gcc compiles the one of its own without the target's instructions
  F64s cosine, sine, gamma, p;
};

// Row i of one vector of matrices: the rotation that the row asks for, and what it makes of row i and of the
// element above. squares points at the element between i and i + 1.
HWY_INLINE void step(State& s, F64s negligible, F64s shift, F64s square, F64s next_diagonal, F64s& new_square,
                     F64s& new_diagonal) {
  const F64 d;
  const F64s zero = hn::Zero(d), one = hn::Set(d, 1.0);
  const F64s r = hn::Add(s.p, square);
  new_square = hn::Mul(s.sine, r);
  const F64s product = hn::Mul(s.p, r);
  const F64s inverse = hn::Div(one, product);
  const F64s over_r = hn::Mul(s.p, inverse), over_p = hn::Mul(r, inverse);
  F64s cosine = hn::Mul(s.p, over_r), sine = hn::Mul(square, over_r);
  const auto split = hn::Le(square, negligible);
  const auto stuck = hn::Lt(s.p, hn::Mul(square, hn::Set(d, 1e-100)));  // p is 0 beside the element
  cosine = hn::IfThenElse(split, one, hn::IfThenElse(stuck, zero, cosine));
  sine = hn::IfThenElse(split, zero, hn::IfThenElse(stuck, one, sine));
  const F64s gamma = hn::MulSub(cosine, hn::Sub(next_diagonal, shift), hn::Mul(sine, s.gamma));
  const F64s squared = hn::Mul(gamma, gamma);
  const F64s p = hn::Mul(squared, hn::Mul(r, over_p));
  new_diagonal = hn::Add(s.gamma, hn::Sub(next_diagonal, gamma));
  s.p = hn::IfThenElse(split, squared, hn::IfThenElse(stuck, hn::Mul(s.cosine, square), p));
  s.cosine = cosine, s.sine = sine, s.gamma = gamma;
}

// Rows [begin, end) of kVectors vectors of matrices. kMasked: some end in between.
template <bool kMasked, int kVectors>
HWY_INLINE void rows(State (&states)[kVectors], const Sweep& sweep, double* diagonal, double* squares,
                     int64_t begin, int64_t end) {
  const F64 d;
  for (int64_t i = begin; i < end; ++i) {
    HWY_UNROLL(4) for (int v = 0; v < kVectors; ++v) {
      double* const row = diagonal + i * kGroup + v * kLanes;
      double* const above = squares + i * kGroup + v * kLanes;  // between i − 1 and i; of row 0, room
      const F64s negligible = hn::Load(d, sweep.negligible + v * kLanes);
      const F64s shift = hn::Load(d, sweep.shift + v * kLanes);
      F64s new_square, new_diagonal;
      step(states[v], negligible, shift, hn::Load(d, above + kGroup), hn::Load(d, row + kGroup), new_square,
           new_diagonal);
      if constexpr (kMasked) {
        const F64s last = hn::Load(d, sweep.end + v * kLanes), here = hn::Set(d, static_cast<double>(i));
        const auto active = hn::Lt(here, last);
        const auto ends = hn::Eq(hn::Add(here, hn::Set(d, 1.0)), last);
        hn::BlendedStore(new_square, active, d, above);
        hn::BlendedStore(new_diagonal, active, d, row);
        hn::BlendedStore(hn::Mul(states[v].sine, states[v].p), ends, d, above + kGroup);
        hn::BlendedStore(hn::Add(shift, states[v].gamma), ends, d, row + kGroup);
      } else {
        hn::Store(new_square, d, above);
        hn::Store(new_diagonal, d, row);
      }
    }
  }
}

// Takes off what has converged at the end of matrix l, of which `end` + 1 rows are left; returns how many
// rows less one are left now.
HWY_INLINE int64_t deflate(double* diagonal, double* squares, int l, int64_t end, double negligible) {
  while (end > 0 && squares[end * kGroup + l] <= negligible) --end;
  if (end != 1) return end;
  const double a = diagonal[l], c = diagonal[kGroup + l];
  const double half = 0.5 * (a - c), root = std::sqrt(half * half + squares[kGroup + l]),
               middle = 0.5 * (a + c);
  diagonal[l] = middle + root;
  diagonal[kGroup + l] = middle - root;
  return 0;
}

// Wilkinson's shift, as dsterf has it, for rows 0 .. end.
HWY_INLINE double shift_of(const double* diagonal, const double* squares, int l, int64_t end) {
  const double last = diagonal[end * kGroup + l], beside = std::sqrt(squares[end * kGroup + l]);
  const double s = (diagonal[(end - 1) * kGroup + l] - last) / (2 * beside);
  return last - beside / (s + std::copysign(std::sqrt(s * s + 1), s));
}

template <int kVectors>
bool values_of_vectors(int64_t n, double* diagonal, double* squares) {
  constexpr int kMatrices = kVectors * kLanes;
  const F64 d;
  Sweep sweep;
  int64_t ends[kMatrices];
  for (int l = 0; l < kMatrices; ++l) {
    double most = 0;
    for (int64_t i = 0; i < n; ++i) most = std::max(most, diagonal[i * kGroup + l]);
    sweep.negligible[l] = 1e-31 * most * most;
    ends[l] = n - 1;
  }
  for (int64_t sweeps = 0; sweeps <= kMostSweeps * n; ++sweeps) {
    int64_t longest = 0, shortest = n;
    for (int l = 0; l < kMatrices; ++l) {
      ends[l] = deflate(diagonal, squares, l, ends[l], sweep.negligible[l]);
      longest = std::max(longest, ends[l]);
      shortest = std::min(shortest, ends[l]);
      sweep.end[l] = static_cast<double>(ends[l]);
      sweep.shift[l] = ends[l] > 0 ? shift_of(diagonal, squares, l, ends[l]) : 0;
    }
    if (longest == 0) return true;
    State states[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      State& s = states[v];
      s.cosine = hn::Set(d, 1.0), s.sine = hn::Zero(d);
      s.gamma = hn::Sub(hn::Load(d, diagonal + v * kLanes), hn::Load(d, sweep.shift + v * kLanes));
      s.p = hn::Mul(s.gamma, s.gamma);
    }
    const int64_t common = std::max<int64_t>(0, shortest - 1);
    rows<false>(states, sweep, diagonal, squares, 0, common);
    rows<true>(states, sweep, diagonal, squares, common, longest);
  }
  return false;
}

bool Values(int64_t n, int64_t count, double* diagonal, double* squares) {
  switch ((count + kLanes - 1) / kLanes) {
    case 1:
      return values_of_vectors<1>(n, diagonal, squares);
    case 2:
      return values_of_vectors<2>(n, diagonal, squares);
    case 3:
      return values_of_vectors<3>(n, diagonal, squares);
    default:
      return values_of_vectors<kMostVectors>(n, diagonal, squares);
  }
}

int64_t Group() { return kGroup; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(Group);
HWY_EXPORT(Values);

int64_t tridiagonal_group() { return HWY_DYNAMIC_DISPATCH(Group)(); }

bool tridiagonal_values(int64_t n, int64_t count, double* diagonal, double* squares) {
  return HWY_DYNAMIC_DISPATCH(Values)(n, count, diagonal, squares);
}

}  // namespace linformer
#endif
