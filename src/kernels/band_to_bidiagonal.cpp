// SPDX-License-Identifier: MIT
// Row s loses its elements beyond (s, s + 1) to a reflector on 16 columns, which fills a block on the
// diagonal; a reflector on that block's rows empties its first column again and fills the block to the right;
// a reflector on columns empties that one's first row; and so on down the matrix. Only first columns and rows
// are emptied: the rest of the fill is what the next row's chase begins with. Each block sees a reflector
// from either side, which come as one update of rank two. Lanes are matrices.
#include "kernels/band_to_bidiagonal.h"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/band_to_bidiagonal.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr int kB = kBandwidth;
// Eight lanes, and not 16: the blocks at hand then fit the first-level cache.
using F32 = hn::CappedTag<float, 8>;
using F32s = hn::Vec<F32>;
constexpr int kLanes = HWY_LANES(float) < 8 ? HWY_LANES(float) : 8;
// Columns of a block that are updated together, two vectors of each in registers: of 16 on x86 before
// AVX-512.
constexpr int kUpdated = HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3 ? 4 : 8;
// Some of the lanes at a time, in f64.
using F64 = hn::CappedTag<double, kLanes>;
using F64s = hn::Vec<F64>;
constexpr int kLanes64 = HWY_LANES(double) < kLanes ? HWY_LANES(double) : kLanes;
using Some = hn::Rebind<float, F64>;
// Columns −15 .. 31 beside the diagonal are kept of each row, a vector each; a row begins one vector after
// where the one above it ends, so that the rows of a block are this far apart.
constexpr int64_t kKept = 3 * kB - 1;
constexpr int64_t kRow = kKept * kLanes;
constexpr double kTiny = 1e-24;

HWY_INLINE int64_t at(int64_t row, int64_t col) { return (row * kKept + col + kB - 1) * kLanes; }

HWY_INLINE F32s load(const float* p, int64_t i = 0) { return hn::Load(F32(), p + i * kLanes); }
HWY_INLINE void store(F32s x, float* p, int64_t i = 0) { hn::Store(x, F32(), p + i * kLanes); }

// What a vector is multiplied by, to more than f32: a factor that is rounded scales whole rows, and where a
// reflector's τ is one, thousands of them add up.
struct Factor {
  F32s high, low;

  HWY_INLINE F32s times(F32s x) const { return hn::MulAdd(high, x, hn::Mul(low, x)); }
};

// For the x of 16 vectors: v = x + β e₁, β = ‖x‖ with the sign of x's first element, replaces it, and τ = 2 /
// ‖v‖² of the v that is kept, so that I − τ v vᵀ is orthogonal; then (I − τ v vᵀ) x = −β e₁. Where x counts
// as zero, β and τ are 0.
HWY_INLINE void make_reflector(float* x, F32s& beta, Factor& tau) {
  const F32 d;
  const F64 d64;
  const Some some;
  HWY_ALIGN float betas[kLanes], highs[kLanes], lows[kLanes];
  for (int l = 0; l < kLanes; l += kLanes64) {
    F64s sums[2] = {hn::Zero(d64), hn::Zero(d64)};
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
      const F64s value = hn::PromoteTo(d64, hn::Load(some, x + c * kLanes + l));
      sums[c % 2] = hn::MulAdd(value, value, sums[c % 2]);
    }
    const F64s squares = hn::Add(sums[0], sums[1]), first = hn::PromoteTo(d64, hn::Load(some, x + l));
    const auto there = hn::Gt(squares, hn::Set(d64, kTiny));
    const F64s norm = hn::IfThenElseZero(there, hn::CopySign(hn::Sqrt(squares), first));
    const auto rounded = hn::DemoteTo(some, norm);
    const F64s kept = hn::PromoteTo(d64, hn::Add(hn::Load(some, x + l), rounded));
    const F64s norm_of_v = hn::MulAdd(kept, kept, hn::NegMulAdd(first, first, squares));
    const F64s exact = hn::IfThenElseZero(
        there, hn::Div(hn::Set(d64, 2.0), hn::IfThenElse(there, norm_of_v, hn::Set(d64, 1.0))));
    const auto high = hn::DemoteTo(some, exact);
    hn::Store(rounded, some, betas + l);
    hn::Store(high, some, highs + l);
    hn::Store(hn::DemoteTo(some, hn::Sub(exact, hn::PromoteTo(d64, high))), some, lows + l);
  }
  beta = hn::Load(d, betas);
  tau = {hn::Load(d, highs), hn::Load(d, lows)};
  store(hn::Add(load(x), beta), x);
}

// y = factor · M x for a block M.
HWY_INLINE void multiply(const float* m, const float* x, const Factor& factor, float* y) {
  constexpr int kRows = 8;  // side by side, so that sums need not wait for each other
  const F32 d;
  for (int begin = 0; begin < kB; begin += kRows, m += kRows * kRow) {
    F32s sums[kRows];
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) sums[r] = hn::Zero(d);
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
      const F32s element = load(x, c);
      HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
        sums[r] = hn::MulAdd(load(m + r * kRow, c), element, sums[r]);
      }
    }
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) store(factor.times(sums[r]), y, begin + r);
  }
}

// w = Mᵀ x.
HWY_INLINE void multiply_transposed(const float* m, const float* x, float* w) {
  constexpr int kColumns = 8;
  const F32 d;
  for (int begin = 0; begin < kB; begin += kColumns) {
    F32s sums[kColumns];
    HWY_UNROLL(8) for (int c = 0; c < kColumns; ++c) sums[c] = hn::Zero(d);
    HWY_UNROLL(16) for (int r = 0; r < kB; ++r) {
      const F32s factor = load(x, r);
      HWY_UNROLL(8) for (int c = 0; c < kColumns; ++c) {
        sums[c] = hn::MulAdd(factor, load(m + r * kRow, begin + c), sums[c]);
      }
    }
    HWY_UNROLL(8) for (int c = 0; c < kColumns; ++c) store(sums[c], w, begin + c);
  }
}

// M −= a pᵀ + b qᵀ, rounded once where M is larger; the block at `next`, if any, is fetched meanwhile.
HWY_INLINE void update(float* m, const float* a, const float* p, const float* b, const float* q,
                       const float* next) {
  for (int begin = 0; begin < kB; begin += kUpdated) {
    F32s ps[kUpdated], qs[kUpdated];
    HWY_UNROLL(8) for (int c = 0; c < kUpdated; ++c) {
      ps[c] = load(p, begin + c);
      qs[c] = load(q, begin + c);
    }
    for (int r = 0; r < kB; ++r) {
      const int64_t row = r * kRow + begin * kLanes;
      const F32s x = load(a, r), y = load(b, r);
      if (next != nullptr) {
        for (int64_t i = 0; i < kUpdated * kLanes; i += 16) hwy::Prefetch(next + row + i);
      }
      HWY_UNROLL(8) for (int c = 0; c < kUpdated; ++c) {
        const F32s less = hn::MulAdd(y, qs[c], hn::Mul(x, ps[c]));
        store(hn::Sub(load(m + row, c), less), m + row, c);
      }
    }
  }
}

// Two vectors for each 16 elements: a reflector is made while the one before is still needed.
struct Chase {
  HWY_ALIGN float right[2][kB * kLanes], left[2][kB * kLanes];  // v of the reflectors
  HWY_ALIGN float y_diagonal[kB * kLanes], y_beside[kB * kLanes];
  HWY_ALIGN float w_diagonal[kB * kLanes], w_beside[kB * kLanes];
};

// The reflector that empties row s beyond its first element right of the diagonal; returns its τ.
HWY_INLINE Factor begin_row(float* row, Chase& chase) {
  const F32 d;
  F32s beta;
  Factor tau;
  for (int c = 0; c < kB; ++c) store(load(row, c), chase.right[0], c);
  const F32s x0 = load(row);
  make_reflector(chase.right[0], beta, tau);
  store(hn::IfThenElse(hn::Eq(beta, hn::Zero(d)), x0, hn::Neg(beta)), row);
  return tau;
}

// The reflector from the left that empties the first column of `diagonal` after the one from the right, (v,
// tau_right), has been applied, which y = tau_right · diagonal · v stands for. Leaves v in `left`; returns τ
// and v · y.
HWY_INLINE void make_left(const float* diagonal, const float* right, const float* y, float* left, Factor& tau,
                          F32s& v_y) {
  const F32 d;
  const F32s v0 = load(right);
  F32s products[2] = {hn::Zero(d), hn::Zero(d)};
  HWY_UNROLL(16) for (int r = 0; r < kB; ++r) {
    const F32s of_y = load(y, r), x = hn::NegMulAdd(of_y, v0, hn::Load(d, diagonal + r * kRow));
    store(x, left, r);
    products[r % 2] = hn::MulAdd(x, of_y, products[r % 2]);
  }
  F32s beta;
  make_reflector(left, beta, tau);
  v_y = hn::MulAdd(beta, load(y), hn::Add(products[0], products[1]));
}

// The reflector from the right that empties the first row of `beside` after the left one (v in `left`) has
// been applied, which w = τ vᵀ · beside, to be left in `w_out`, stands for. Leaves its v in `right`; returns
// its τ.
HWY_INLINE Factor make_right(const float* beside, const float* left, const Factor& tau_left, float* w_out,
                             float* right) {
  multiply_transposed(beside, left, w_out);
  const F32s v0 = load(left);
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
    const F32s w = tau_left.times(load(w_out, c));
    store(w, w_out, c);
    store(hn::NegMulAdd(v0, w, load(beside, c)), right, c);
  }
  F32s beta;
  Factor tau;
  make_reflector(right, beta, tau);
  return tau;
}

// Applies to the block `beside` what is known once its right reflector has been used on the block below it.
HWY_INLINE void finish_beside(float* beside, const float* left, const float* right, const Factor& tau_right,
                              Chase& chase, const float* next) {
  const F32 d;
  multiply(beside, right, tau_right, chase.y_beside);
  F32s along = hn::Zero(d);
  for (int c = 0; c < kB; ++c) along = hn::MulAdd(load(chase.w_beside, c), load(right, c), along);
  along = tau_right.times(along);
  for (int r = 0; r < kB; ++r)
    store(hn::NegMulAdd(along, load(left, r), load(chase.y_beside, r)), chase.y_beside, r);
  update(beside, left, chase.w_beside, chase.y_beside, right, next);
}

// The chase that row s of the matrices begins.
HWY_NOINLINE void ChaseRow(float* matrices, int64_t n, int64_t s, Chase& chase) {
  Factor tau_right = begin_row(matrices + at(s, s + 1), chase);
  int now = 0;
  float* beside_before = nullptr;  // its right reflector is right[now], its left one left[1 − now]
  for (int64_t k = s + 1; k < n; k += kB) {
    float* const diagonal = matrices + at(k, k);
    float* const beside = matrices + at(k, k + kB);
    const float* const right = chase.right[now];
    float* const left = chase.left[now];
    Factor tau_left;
    F32s v_y;
    multiply(diagonal, right, tau_right, chase.y_diagonal);
    make_left(diagonal, right, chase.y_diagonal, left, tau_left, v_y);
    if (beside_before != nullptr) {
      finish_beside(beside_before, chase.left[1 - now], right, tau_right, chase, beside);
    }
    float* const w = chase.w_diagonal;
    multiply_transposed(diagonal, left, w);
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
      store(tau_left.times(hn::NegMulAdd(v_y, load(right, c), load(w, c))), w, c);
    }
    const bool last = k + kB >= n;
    if (!last) tau_right = make_right(beside, left, tau_left, chase.w_beside, chase.right[1 - now]);
    update(diagonal, chase.y_diagonal, right, left, chase.w_diagonal, last ? nullptr : beside + kB * kRow);
    beside_before = beside;
    now = 1 - now;
  }
}

int64_t Group() { return kLanes; }

// Rows beyond the last are zero and may be worked on.
int64_t Workspace(int64_t n) { return ((n + kB + 1) * (kKept + 1) + 2 * kB) * kLanes; }

void Fill(const float* const* bands, int64_t n, float* matrices) {
  std::fill_n(matrices, Workspace(n), 0.0f);
  for (int lane = 0; lane < kLanes; ++lane) {
    if (bands[lane] == nullptr) continue;
    for (int64_t r = 0; r < n; ++r) {
      const int64_t kept = std::min<int64_t>(kB + 1, n - r);
      for (int64_t c = 0; c < kept; ++c) matrices[at(r, r + c) + lane] = bands[lane][r * (kB + 1) + c];
    }
  }
}

void Chases(const float* const* bands, int64_t n, float* workspace, float* const* d, float* const* e) {
  Chase chase;
  Fill(bands, n, workspace);
  for (int64_t s = 0; s + 1 < n; ++s) ChaseRow(workspace, n, s, chase);
  for (int lane = 0; lane < kLanes; ++lane) {
    if (bands[lane] == nullptr) continue;
    for (int64_t i = 0; i < n; ++i) d[lane][i] = workspace[at(i, i) + lane];
    for (int64_t i = 0; i + 1 < n; ++i) e[lane][i] = workspace[at(i, i + 1) + lane];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(Group);
HWY_EXPORT(Workspace);
HWY_EXPORT(Chases);

int64_t bidiagonal_group() { return HWY_DYNAMIC_DISPATCH(Group)(); }

int64_t bidiagonal_workspace(int64_t n) { return HWY_DYNAMIC_DISPATCH(Workspace)(n); }

void band_to_bidiagonal(const float* const* bands, int64_t n, float* workspace, float* const* d,
                        float* const* e) {
  HWY_DYNAMIC_DISPATCH(Chases)(bands, n, workspace, d, e);
}

}  // namespace linformer
#endif
