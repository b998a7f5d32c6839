// SPDX-License-Identifier: MIT
#include "kernels/slot_product.h"

#include <algorithm>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/slot_product.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/ahead.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F32 = hn::ScalableTag<float>;
using F32s = hn::Vec<F32>;
constexpr int64_t kLanes = HWY_LANES(float);

// Sums in registers: so many rows of E and vectors of X's columns, of the 32 or 16 registers there are.
constexpr int kRows = 6;
constexpr int kVectors = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64 ? 4 : 2;
constexpr int64_t kLine = 16;  // floats of a cache line

// out[R, V] of R rows of E and a block's positions, while the next rows of E, from `next` on, are fetched:
// each is read once, and the few lines of one are too short for the machine to see them coming.
template <int R, int V>
HWY_INLINE void multiply_tile(const SlotProduct& p, const float* next) {
  const F32 d;
  F32s sums[R][V];
  HWY_UNROLL(6) for (int r = 0; r < R; ++r) {
    HWY_UNROLL(4) for (int i = 0; i < V; ++i) sums[r][i] = hn::Zero(d);
  }
  const float* x = p.x;
  for (int64_t begin = 0; begin < p.n; begin += kLine) {
    HWY_UNROLL(6) for (int r = 0; r < R; ++r) fetch_line(next + r * p.e_stride, begin * 4);
    const int64_t end = std::min(p.n, begin + kLine);
    for (int64_t j = begin; j < end; ++j, x += p.x_stride) {
      F32s row[V];
      HWY_UNROLL(4) for (int i = 0; i < V; ++i) row[i] = hn::LoadU(d, x + i * kLanes);
      HWY_UNROLL(6) for (int r = 0; r < R; ++r) {
        const F32s all = hn::Set(d, p.e[r * p.e_stride + j]);
        HWY_UNROLL(4) for (int i = 0; i < V; ++i) sums[r][i] = hn::MulAdd(all, row[i], sums[r][i]);
      }
    }
  }
  HWY_UNROLL(6) for (int r = 0; r < R; ++r) {
    float* const out = p.out + r * p.out_stride;
    HWY_UNROLL(4) for (int i = 0; i < V; ++i) {
      const F32s sum = p.add ? hn::Add(hn::LoadU(d, out + i * kLanes), sums[r][i]) : sums[r][i];
      hn::StoreU(sum, d, out + i * kLanes);
    }
  }
}

// The same where p.cols < kLanes, with zeros beyond in p.x: sums are kept beside `out`.
template <int R>
HWY_INLINE void multiply_narrow_tile(const SlotProduct& p, const float* next) {
  HWY_ALIGN float sums[R * kLanes] = {};
  for (int r = 0; r < R && p.add; ++r) std::copy_n(p.out + r * p.out_stride, p.cols, sums + r * kLanes);
  SlotProduct padded = p;
  padded.out = sums;
  padded.out_stride = kLanes;
  multiply_tile<R, 1>(padded, next);
  for (int r = 0; r < R; ++r) std::copy_n(sums + r * kLanes, p.cols, p.out + r * p.out_stride);
}

// R rows of a block from `slot` on; `next` is where the rows of the next block begin.
template <int R, int V>
HWY_NOINLINE void multiply_rows(SlotProduct p, int64_t slot, const float* next, Ahead& ahead) {
  ahead.request();
  p.e += slot * p.e_stride;
  p.out += slot * p.out_stride;
  if (slot + 2 * R <= p.slots) next = p.e + R * p.e_stride;
  if (V == 1 && p.cols < kLanes) return multiply_narrow_tile<R>(p, next);
  multiply_tile<R, V>(p, next);
}

// A block of positions, V vectors of columns or fewer columns than one has.
template <int V>
void multiply_block(const SlotProduct& p, const float* next, Ahead& ahead) {
  int64_t slot = 0;
  for (; slot + kRows <= p.slots; slot += kRows) multiply_rows<kRows, V>(p, slot, next, ahead);
  for (; slot + 2 <= p.slots; slot += 2) multiply_rows<2, V>(p, slot, next, ahead);
  if (slot < p.slots) multiply_rows<1, V>(p, slot, next, ahead);
}

// `cols` of V vectors, and zeros.
template <int V>
HWY_INLINE void copy_row(const float* from, int64_t cols, float* to) {
  const F32 d;
  if (cols < V * kLanes) {
    std::fill(std::copy_n(from, cols, to), to + V * kLanes, 0.0f);
    return;
  }
  HWY_UNROLL(4) for (int i = 0; i < V; ++i) hn::Store(hn::LoadU(d, from + i * kLanes), d, to + i * kLanes);
}

// The columns from `col` on of all blocks. Where they are a cache line of each row at most, a block of them
// is copied first: at the usual strides the lines would compete for a few sets of the first-level cache.
template <int V>
void multiply_columns(const SlotProduct& p, int64_t col) {
  constexpr bool kPacked = V * kLanes <= kLine;
  constexpr int64_t kWidth = V * kLanes;
  HWY_ALIGN float packed[kPacked ? kSlotProductBlock * kWidth : 1];
  SlotProduct block = p;
  block.cols = std::min(V * kLanes, p.cols - col);
  block.out += col;
  for (int64_t first = 0; first == 0 || first < p.n; first += kSlotProductBlock) {
    const int64_t end = std::min(p.n, first + kSlotProductBlock);
    const float* const x = p.x + col;
    block.n = end - first;
    block.e = p.e + first;
    block.x = x + first * p.x_stride;
    block.add = p.add || first > 0;
    if constexpr (kPacked) {
      if (block.cols < kWidth || p.slots > kRows) {
        for (int64_t j = first; j < end; ++j) {
          copy_row<V>(x + j * p.x_stride, block.cols, packed + (j - first) * kWidth);
        }
        block.x = packed;
        block.x_stride = kWidth;
      }
    }
    Ahead ahead(p.slots / kRows);
    ahead.add(x, p.x_stride, end, std::min(p.n, end + kSlotProductBlock), block.cols);
    multiply_block<V>(block, end < p.n ? p.e + end : block.e, ahead);
  }
}

void Multiply(const SlotProduct& p) {
  int64_t col = 0;
  for (; col + kVectors * kLanes <= p.cols; col += kVectors * kLanes) multiply_columns<kVectors>(p, col);
  for (; col + 2 * kLanes <= p.cols; col += 2 * kLanes) multiply_columns<2>(p, col);
  for (; col < p.cols; col += kLanes) multiply_columns<1>(p, col);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(Multiply);

void slot_product(const SlotProduct& product) { HWY_DYNAMIC_DISPATCH(Multiply)(product); }

}  // namespace linformer
#endif
