// SPDX-License-Identifier: MIT
#include "kernels/reflected_copy.h"

#include <algorithm>
#include <bit>
#include <cmath>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reflected_copy.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F32 = hn::CappedTag<float, 16>;
using F32s = hn::Vec<F32>;

// Magnitudes as integers have the order of the numbers, infinity and NaN after all others.
float LargestMagnitude(const RowMajor& p) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto bits = [&](const float* at) HWY_ATTR { return hn::BitCast(di, hn::Abs(hn::LoadU(d, at))); };
  auto most = hn::Zero(di), beside = hn::Zero(di);
  int32_t rest = 0;
  for (int64_t i = 0; i < p.rows; ++i) {
    const float* const row = p.data + i * p.stride;
    int64_t j = 0;
    for (; j + 2 * lanes <= p.cols; j += 2 * lanes) {
      most = hn::Max(most, bits(row + j));
      beside = hn::Max(beside, bits(row + j + lanes));
    }
    for (; j < p.cols; ++j) rest = std::max(rest, std::bit_cast<int32_t>(std::abs(row[j])));
  }
  return std::bit_cast<float>(std::max(rest, hn::GetLane(hn::MaxOfLanes(di, hn::Max(most, beside)))));
}

// What kRows rows of `count` columns add to the sums, see weighted_sums(); no `sums`: not wanted.
template <int kRows>
HWY_INLINE void add_rows(const RowMajor& p, int64_t i, int64_t first, int64_t count, float scale,
                         const float* g, const float* h, float* along, float* sums, double* across) {
  const F32 d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const F32s scales = hn::Set(d, scale);
  const float* rows[kRows];
  F32s factors[kRows], dots[kRows];
  HWY_UNROLL(4) for (int r = 0; r < kRows; ++r) {
    rows[r] = p.data + (i + r) * p.stride + first;
    factors[r] = hn::Set(d, g[i + r]);
    dots[r] = hn::Zero(d);
  }
  int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const F32s weights = hn::LoadU(d, h + first + j);
    F32s a = hn::Load(d, along + j), sum = hn::Zero(d);
    HWY_UNROLL(4) for (int r = 0; r < kRows; ++r) {
      const F32s x = hn::Mul(scales, hn::LoadU(d, rows[r] + j));
      a = hn::MulAdd(factors[r], x, a);
      sum = hn::Add(sum, x);
      dots[r] = hn::MulAdd(x, weights, dots[r]);
    }
    hn::Store(a, d, along + j);
    if (sums != nullptr) hn::Store(hn::Add(sum, hn::Load(d, sums + j)), d, sums + j);
  }
  HWY_UNROLL(4) for (int r = 0; r < kRows; ++r) {
    float dot = hn::GetLane(hn::SumOfLanes(d, dots[r]));
    for (int64_t c = j; c < count; ++c) {
      const float x = scale * rows[r][c];
      along[c] += g[i + r] * x;
      if (sums != nullptr) sums[c] += x;
      dot += x * h[first + c];
    }
    across[i + r] += static_cast<double>(dot);
  }
}

void WeightedSums(const RowMajor& p, float scale, const float* g, const float* h, double* along, double* sums,
                  double* across) {
  constexpr int64_t kRows = 16, kCols = 512;  // at a time, of f32 sums
  constexpr int kTogether = 4;                // rows
  HWY_ALIGN float some_along[kCols], some_sums[kCols];
  std::fill_n(along, p.cols, 0.0);
  if (sums != nullptr) std::fill_n(sums, p.cols, 0.0);
  std::fill_n(across, p.rows, 0.0);
  for (int64_t begin = 0; begin < p.rows; begin += kRows) {
    const int64_t end = std::min(p.rows, begin + kRows);
    for (int64_t first = 0; first < p.cols; first += kCols) {
      const int64_t count = std::min(kCols, p.cols - first);
      float* const wanted_sums = sums == nullptr ? nullptr : some_sums;
      std::fill_n(some_along, count, 0.0f);
      std::fill_n(some_sums, count, 0.0f);
      int64_t i = begin;
      for (; i + kTogether <= end; i += kTogether)
        add_rows<kTogether>(p, i, first, count, scale, g, h, some_along, wanted_sums, across);
      for (; i < end; ++i) add_rows<1>(p, i, first, count, scale, g, h, some_along, wanted_sums, across);
      for (int64_t j = 0; j < count; ++j) along[first + j] += static_cast<double>(some_along[j]);
      if (sums == nullptr) continue;
      for (int64_t j = 0; j < count; ++j) sums[first + j] += static_cast<double>(some_sums[j]);
    }
  }
}

// `count` elements of row i from column j on.
template <int kProducts>
HWY_INLINE void copy_part(const RowMajor& p, const LessProducts& less, int64_t i, int64_t j, int64_t count,
                          float* to) {
  const F32 d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* const from = p.data + i * p.stride + j;
  const float* right[kProducts];
  F32s left[kProducts];
  for (int k = 0; k < kProducts; ++k) left[k] = hn::Set(d, less.left[k][i]), right[k] = less.right[k] + j;
  const F32s scale = hn::Set(d, less.scale);
  int64_t c = 0;
  for (; c + lanes <= count; c += lanes) {
    F32s x = hn::Mul(scale, hn::LoadU(d, from + c));
    for (int k = 0; k < kProducts; ++k) x = hn::NegMulAdd(left[k], hn::LoadU(d, right[k] + c), x);
    hn::StoreU(x, d, to + c);
  }
  for (; c < count; ++c) {
    to[c] = less.scale * from[c];
    for (int k = 0; k < kProducts; ++k) to[c] -= less.left[k][i] * right[k][c];
  }
}

HWY_INLINE void copy_row(const RowMajor& p, const LessProducts& less, int64_t i, int64_t j, int64_t count,
                         float* to) {
  return less.count == 2 ? copy_part<2>(p, less, i, j, count, to) : copy_part<3>(p, less, i, j, count, to);
}

void Copy(const RowMajor& p, const LessProducts& less, float* to, int64_t to_stride) {
  for (int64_t i = 0; i < p.rows; ++i) copy_row(p, less, i, 0, p.cols, to + i * to_stride);
}

void CopyTransposed(const RowMajor& p, const LessProducts& less, float* to, int64_t to_stride) {
  constexpr int64_t kPart = 16;  // rows and columns at a time, so that cache lines are used whole
  HWY_ALIGN float block[kPart * kPart];
  for (int64_t i = 0; i < p.rows; i += kPart) {
    const int64_t rows = std::min(kPart, p.rows - i);
    for (int64_t j = 0; j < p.cols; j += kPart) {
      const int64_t cols = std::min(kPart, p.cols - j);
      for (int64_t r = 0; r < rows; ++r) copy_row(p, less, i + r, j, cols, block + r * kPart);
      transpose(block, kPart, rows, cols, to + j * to_stride + i, to_stride);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(LargestMagnitude);
HWY_EXPORT(WeightedSums);
HWY_EXPORT(Copy);
HWY_EXPORT(CopyTransposed);

float largest_magnitude(const RowMajor& p) { return HWY_DYNAMIC_DISPATCH(LargestMagnitude)(p); }

void weighted_sums(const RowMajor& p, float scale, const float* g, const float* h, double* along,
                   double* sums, double* across) {
  HWY_DYNAMIC_DISPATCH(WeightedSums)(p, scale, g, h, along, sums, across);
}

void copy_less_products(const RowMajor& p, const LessProducts& less, float* to, int64_t to_stride) {
  HWY_DYNAMIC_DISPATCH(Copy)(p, less, to, to_stride);
}

void copy_transposed_less_products(const RowMajor& p, const LessProducts& less, float* to,
                                   int64_t to_stride) {
  HWY_DYNAMIC_DISPATCH(CopyTransposed)(p, less, to, to_stride);
}

}  // namespace linformer
#endif
