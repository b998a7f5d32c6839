// SPDX-License-Identifier: MIT
// Row s loses its elements beyond (s, s + 1) to a reflector on 16 columns, which fills a block on the
// diagonal; a reflector on that block's rows empties its first column again and fills the block to the right;
// a reflector on columns empties that one's first row; and so on down the matrix. Only first columns and rows
// are emptied: the rest of the fill is what the next row's chase begins with. Each block sees a reflector
// from either side, which come as one update of rank two. Lanes are matrices. To be included once per
// instruction set.
#if defined(LINFORMER_KERNELS_BAND_CHASE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_BAND_CHASE_INL_H_
#undef LINFORMER_KERNELS_BAND_CHASE_INL_H_
#else
#define LINFORMER_KERNELS_BAND_CHASE_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstdint>

#include "kernels/lane_reflector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

// Columns of a block that are updated together, two vectors of each in registers: of 16 on x86 before
// AVX-512.
constexpr int kUpdated = HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3 ? 4 : 8;

// y = factor · M x for a block M.
template <class T>
HWY_INLINE void multiply(const T* m, const T* x, VecOf<T> factor, T* y) {
  constexpr int kRows = 8;  // side by side, so that sums need not wait for each other
  using L = Lanes<T>;
  const typename L::Tag d;
  for (int begin = 0; begin < kB; begin += kRows, m += kRows * L::kRow) {
    VecOf<T> sums[kRows];
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) sums[r] = hn::Zero(d);
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
      const VecOf<T> element = L::load(x, c);
      HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
        sums[r] = hn::MulAdd(L::load(m + r * L::kRow, c), element, sums[r]);
      }
    }
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) L::store(hn::Mul(factor, sums[r]), y, begin + r);
  }
}

// w = Mᵀ x.
template <class T>
HWY_INLINE void multiply_transposed(const T* m, const T* x, T* w) {
  constexpr int kColumns = 8;
  using L = Lanes<T>;
  const typename L::Tag d;
  for (int begin = 0; begin < kB; begin += kColumns) {
    VecOf<T> sums[kColumns];
    HWY_UNROLL(8) for (int c = 0; c < kColumns; ++c) sums[c] = hn::Zero(d);
    HWY_UNROLL(16) for (int r = 0; r < kB; ++r) {
      const VecOf<T> factor = L::load(x, r);
      HWY_UNROLL(8) for (int c = 0; c < kColumns; ++c) {
        sums[c] = hn::MulAdd(factor, L::load(m + r * L::kRow, begin + c), sums[c]);
      }
    }
    HWY_UNROLL(8) for (int c = 0; c < kColumns; ++c) L::store(sums[c], w, begin + c);
  }
}

// M −= a pᵀ + b qᵀ, rounded once where M is larger; the block at `next`, if any, is fetched meanwhile.
template <class T>
HWY_INLINE void update(T* m, const T* a, const T* p, const T* b, const T* q, const T* next) {
  using L = Lanes<T>;
  for (int begin = 0; begin < kB; begin += kUpdated) {
    VecOf<T> ps[kUpdated], qs[kUpdated];
    HWY_UNROLL(8) for (int c = 0; c < kUpdated; ++c) {
      ps[c] = L::load(p, begin + c);
      qs[c] = L::load(q, begin + c);
    }
    for (int r = 0; r < kB; ++r) {
      const int64_t row = r * L::kRow + begin * L::kCount;
      const VecOf<T> x = L::load(a, r), y = L::load(b, r);
      if (next != nullptr) {
        for (int64_t i = 0; i < kUpdated * L::kCount; i += 64 / static_cast<int64_t>(sizeof(T)))
          hwy::Prefetch(next + row + i);
      }
      HWY_UNROLL(8) for (int c = 0; c < kUpdated; ++c) {
        const VecOf<T> less = hn::MulAdd(y, qs[c], hn::Mul(x, ps[c]));
        L::store(hn::Sub(L::load(m + row, c), less), m + row, c);
      }
    }
  }
}

// Two vectors for each 16 elements: a reflector is made while the one before is still needed.
template <class T>
struct Chase {
  static constexpr int kLanes = Lanes<T>::kCount;
  HWY_ALIGN T right[2][kB * kLanes], left[2][kB * kLanes];  // v of the reflectors
  HWY_ALIGN T y_diagonal[kB * kLanes], y_beside[kB * kLanes];
  HWY_ALIGN T w_diagonal[kB * kLanes], w_beside[kB * kLanes];
};

// The reflector that empties row s beyond its first element right of the diagonal; returns its τ.
template <class T>
HWY_INLINE VecOf<T> begin_row(T* row, Chase<T>& chase) {
  using L = Lanes<T>;
  const typename L::Tag d;
  VecOf<T> beta;
  VecOf<T> tau;
  for (int c = 0; c < kB; ++c) L::store(L::load(row, c), chase.right[0], c);
  const VecOf<T> x0 = L::load(row);
  make_reflector(chase.right[0], beta, tau);
  L::store(hn::IfThenElse(hn::Eq(beta, hn::Zero(d)), x0, hn::Neg(beta)), row);
  return tau;
}

// The reflector from the left that empties the first column of `diagonal` after the one from the right, (v,
// tau_right), has been applied, which y = tau_right · diagonal · v stands for. Leaves v in `left`; returns τ
// and v · y.
template <class T>
HWY_INLINE void make_left(const T* diagonal, const T* right, const T* y, T* left, VecOf<T>& tau,
                          VecOf<T>& v_y) {
  using L = Lanes<T>;
  const typename L::Tag d;
  const VecOf<T> v0 = L::load(right);
  VecOf<T> products[2] = {hn::Zero(d), hn::Zero(d)};
  HWY_UNROLL(16) for (int r = 0; r < kB; ++r) {
    const VecOf<T> of_y = L::load(y, r), x = hn::NegMulAdd(of_y, v0, hn::Load(d, diagonal + r * L::kRow));
    L::store(x, left, r);
    products[r % 2] = hn::MulAdd(x, of_y, products[r % 2]);
  }
  VecOf<T> beta;
  make_reflector(left, beta, tau);
  v_y = hn::MulAdd(beta, L::load(y), hn::Add(products[0], products[1]));
}

// The reflector from the right that empties the first row of `beside` after the left one (v in `left`) has
// been applied, which w = τ vᵀ · beside, to be left in `w_out`, stands for. Leaves its v in `right`; returns
// its τ.
template <class T>
HWY_INLINE VecOf<T> make_right(const T* beside, const T* left, VecOf<T> tau_left, T* w_out, T* right) {
  using L = Lanes<T>;
  multiply_transposed(beside, left, w_out);
  const VecOf<T> v0 = L::load(left);
  HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
    const VecOf<T> w = hn::Mul(tau_left, L::load(w_out, c));
    L::store(w, w_out, c);
    L::store(hn::NegMulAdd(v0, w, L::load(beside, c)), right, c);
  }
  VecOf<T> beta;
  VecOf<T> tau;
  make_reflector(right, beta, tau);
  return tau;
}

// Applies to the block `beside` what is known once its right reflector has been used on the block below it.
template <class T>
HWY_INLINE void finish_beside(T* beside, const T* left, const T* right, VecOf<T> tau_right, Chase<T>& chase,
                              const T* next) {
  using L = Lanes<T>;
  const typename L::Tag d;
  multiply(beside, right, tau_right, chase.y_beside);
  VecOf<T> along = hn::Zero(d);
  for (int c = 0; c < kB; ++c) along = hn::MulAdd(L::load(chase.w_beside, c), L::load(right, c), along);
  along = hn::Mul(tau_right, along);
  for (int r = 0; r < kB; ++r)
    L::store(hn::NegMulAdd(along, L::load(left, r), L::load(chase.y_beside, r)), chase.y_beside, r);
  update(beside, left, chase.w_beside, chase.y_beside, right, next);
}

// The chase that row s of the matrices begins.
template <class T>
HWY_NOINLINE void ChaseRow(T* matrices, int64_t n, int64_t s, Chase<T>& chase) {
  using L = Lanes<T>;
  VecOf<T> tau_right = begin_row(matrices + L::at(s, s + 1), chase);
  int now = 0;
  T* beside_before = nullptr;  // its right reflector is right[now], its left one left[1 − now]
  for (int64_t k = s + 1; k < n; k += kB) {
    T* const diagonal = matrices + L::at(k, k);
    T* const beside = matrices + L::at(k, k + kB);
    const T* const right = chase.right[now];
    T* const left = chase.left[now];
    VecOf<T> tau_left;
    VecOf<T> v_y;
    multiply(diagonal, right, tau_right, chase.y_diagonal);
    make_left(diagonal, right, chase.y_diagonal, left, tau_left, v_y);
    if (beside_before != nullptr) {
      finish_beside(beside_before, chase.left[1 - now], right, tau_right, chase, beside);
    }
    T* const w = chase.w_diagonal;
    multiply_transposed(diagonal, left, w);
    HWY_UNROLL(16) for (int c = 0; c < kB; ++c) {
      L::store(hn::Mul(tau_left, hn::NegMulAdd(v_y, L::load(right, c), L::load(w, c))), w, c);
    }
    const bool last = k + kB >= n;
    if (!last) tau_right = make_right(beside, left, tau_left, chase.w_beside, chase.right[1 - now]);
    update(diagonal, chase.y_diagonal, right, left, chase.w_diagonal, last ? nullptr : beside + kB * L::kRow);
    beside_before = beside;
    now = 1 - now;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
