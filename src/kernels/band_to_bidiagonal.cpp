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

// Compiled once per instruction set. Arrays of vectors need a known number of lanes.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_RVV)
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
// Columns −15 .. 31 beside the diagonal are kept of each row, a vector each; a row begins one vector after
// where the one above it ends, so that the rows of a block are this far apart.
constexpr int64_t kKept = 3 * kB - 1;
constexpr int64_t kRow = kKept * kLanes;
constexpr double kTiny = 1e-24;

HWY_INLINE int64_t at(int64_t row, int64_t col) { return (row * kKept + col + kB - 1) * kLanes; }

HWY_INLINE F32s load(const float* p, int64_t i = 0) { return hn::Load(F32(), p + i * kLanes); }
HWY_INLINE void store(F32s x, float* p, int64_t i = 0) { hn::Store(x, F32(), p + i * kLanes); }

// For the x of 16 vectors: v = x + β e₁, β = ‖x‖ with the sign of x's first element, replaces it, and τ = 2 /
// ‖v‖²; then (I − τ v vᵀ) x = −β e₁. Where x counts as zero, β and τ are 0. In f64: a reflector is as
// orthogonal as τ is exact, and a thousand of them add up.
HWY_INLINE void make_reflector(float* x, F32s& beta, F32s& tau) {
  const F32 d;
  HWY_ALIGN float betas[kLanes], taus[kLanes];
  double squares[kLanes] = {};
  for (int c = 0; c < kB; ++c) {
    for (int l = 0; l < kLanes; ++l) {
      const double value = x[c * kLanes + l];
      squares[l] += value * value;
    }
  }
  for (int l = 0; l < kLanes; ++l) {
    const bool there = squares[l] > kTiny;
    const double first = x[l];
    const float b = static_cast<float>(std::copysign(std::sqrt(squares[l]), first));
    betas[l] = there ? b : 0.0f;
    const double exact = b, norm = squares[l] + 2 * first * exact + exact * exact;
    taus[l] = static_cast<float>(there ? 2 / norm : 0.0);
  }
  beta = hn::Load(d, betas);
  tau = hn::Load(d, taus);
  store(hn::Add(load(x), beta), x);
}

// y = factor · M x for a block M.
HWY_INLINE void multiply(const float* m, const float* x, F32s factor, float* y) {
  const F32 d;
  F32s xs[kB];
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) xs[c] = load(x, c);
  for (int r = 0; r < kB; ++r, m += kRow) {
    F32s sums[4];
    HWY_UNROLL(4) for (int i = 0; i < 4; ++i) sums[i] = hn::Zero(d);
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) sums[c % 4] = hn::MulAdd(load(m, c), xs[c], sums[c % 4]);
    store(hn::Mul(hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])), factor), y, r);
  }
}

// w = Mᵀ x.
HWY_INLINE void multiply_transposed(const float* m, const float* x, F32s (&w)[kB]) {
  const F32 d;
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) w[c] = hn::Zero(d);
  for (int r = 0; r < kB; ++r, m += kRow) {
    const F32s factor = load(x, r);
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) w[c] = hn::MulAdd(factor, load(m, c), w[c]);
  }
}

// M −= a pᵀ + b qᵀ; the block at `next`, if any, is fetched meanwhile.
HWY_INLINE void update(float* m, const float* a, const float* p, const float* b, const float* q,
                       const float* next) {
  for (int half = 0; half < kB; half += 8) {
    F32s ps[8], qs[8];
    HWY_UNROLL(8) for (int c = 0; c < 8; ++c) {
      ps[c] = load(p, half + c);
      qs[c] = load(q, half + c);
    }
    for (int r = 0; r < kB; ++r) {
      float* const row = m + r * kRow + half * kLanes;
      const F32s x = load(a, r), y = load(b, r);
      if (next != nullptr) {
        for (int64_t i = 0; i < 8 * kLanes; i += 16) hwy::Prefetch(next + r * kRow + half * kLanes + i);
      }
      HWY_UNROLL(8) for (int c = 0; c < 8; ++c) {
        store(hn::NegMulAdd(y, qs[c], hn::NegMulAdd(x, ps[c], load(row, c))), row, c);
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
HWY_INLINE F32s begin_row(float* row, Chase& chase) {
  const F32 d;
  F32s beta, tau;
  for (int c = 0; c < kB; ++c) store(load(row, c), chase.right[0], c);
  const F32s x0 = load(row);
  make_reflector(chase.right[0], beta, tau);
  store(hn::IfThenElse(hn::Eq(tau, hn::Zero(d)), x0, hn::Neg(beta)), row);
  return tau;
}

// The reflector from the left that empties the first column of `diagonal` after the one from the right, (v,
// tau_right), has been applied, which y = tau_right · diagonal · v stands for. Leaves v in `left`; returns τ
// and v · y.
HWY_INLINE void make_left(const float* diagonal, const float* right, const float* y, float* left, F32s& tau,
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
HWY_INLINE F32s make_right(const float* beside, const float* left, F32s tau_left, float* w_out,
                           float* right) {
  F32s w[kB];
  multiply_transposed(beside, left, w);
  const F32s v0 = load(left);
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
    w[c] = hn::Mul(tau_left, w[c]);
    store(w[c], w_out, c);
    store(hn::NegMulAdd(v0, w[c], load(beside, c)), right, c);
  }
  F32s beta, tau;
  make_reflector(right, beta, tau);
  return tau;
}

// Applies to the block `beside` what is known once its right reflector has been used on the block below it.
HWY_INLINE void finish_beside(float* beside, const float* left, const float* right, F32s tau_right,
                              Chase& chase, const float* next) {
  const F32 d;
  multiply(beside, right, tau_right, chase.y_beside);
  F32s along = hn::Zero(d);
  for (int c = 0; c < kB; ++c) along = hn::MulAdd(load(chase.w_beside, c), load(right, c), along);
  along = hn::Mul(along, tau_right);
  for (int r = 0; r < kB; ++r)
    store(hn::NegMulAdd(along, load(left, r), load(chase.y_beside, r)), chase.y_beside, r);
  update(beside, left, chase.w_beside, chase.y_beside, right, next);
}

// The chase that row s of the matrices begins.
HWY_NOINLINE void ChaseRow(float* matrices, int64_t n, int64_t s, Chase& chase) {
  F32s tau_right = begin_row(matrices + at(s, s + 1), chase);
  int now = 0;
  float* beside_before = nullptr;  // its right reflector is right[now], its left one left[1 − now]
  for (int64_t k = s + 1; k < n; k += kB) {
    float* const diagonal = matrices + at(k, k);
    float* const beside = matrices + at(k, k + kB);
    const float* const right = chase.right[now];
    float* const left = chase.left[now];
    F32s tau_left, v_y;
    multiply(diagonal, right, tau_right, chase.y_diagonal);
    make_left(diagonal, right, chase.y_diagonal, left, tau_left, v_y);
    if (beside_before != nullptr) {
      finish_beside(beside_before, chase.left[1 - now], right, tau_right, chase, beside);
    }
    F32s w[kB];
    multiply_transposed(diagonal, left, w);
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
      store(hn::Mul(tau_left, hn::NegMulAdd(v_y, load(right, c), w[c])), chase.w_diagonal, c);
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
