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

void WeightedColumnSums(const RowMajor& p, float scale, const float* g, double* along, double* sums) {
  const F32 d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int64_t kRows = 16;
  std::fill_n(along, p.cols, 0.0);
  std::fill_n(sums, p.cols, 0.0);
  HWY_ALIGN float some_along[16], some_sums[16];
  for (int64_t begin = 0; begin < p.rows; begin += kRows) {
    const int64_t end = std::min(p.rows, begin + kRows);
    const auto add = [&](int64_t j, int64_t count) {
      for (int64_t l = 0; l < count; ++l) {
        along[j + l] += static_cast<double>(some_along[l]);
        sums[j + l] += static_cast<double>(some_sums[l]);
      }
    };
    int64_t j = 0;
    for (; j + lanes <= p.cols; j += lanes) {
      F32s a = hn::Zero(d), s = hn::Zero(d);
      for (int64_t i = begin; i < end; ++i) {
        const F32s x = hn::Mul(hn::Set(d, scale), hn::LoadU(d, p.data + i * p.stride + j));
        a = hn::MulAdd(hn::Set(d, g[i]), x, a);
        s = hn::Add(s, x);
      }
      hn::Store(a, d, some_along);
      hn::Store(s, d, some_sums);
      add(j, lanes);
    }
    for (; j < p.cols; ++j) {
      some_along[0] = some_sums[0] = 0;
      for (int64_t i = begin; i < end; ++i) {
        const float x = scale * p.data[i * p.stride + j];
        some_along[0] += g[i] * x;
        some_sums[0] += x;
      }
      add(j, 1);
    }
  }
}

// `count` elements of row i from column j on.
HWY_INLINE void copy_row(const RowMajor& p, const LessProducts& less, int64_t i, int64_t j, int64_t count,
                         float* to) {
  const F32 d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* const from = p.data + i * p.stride + j;
  const F32s scale = hn::Set(d, less.scale);
  int64_t c = 0;
  if (less.left[0] == nullptr) {
    for (; c + lanes <= count; c += lanes) hn::StoreU(hn::Mul(scale, hn::LoadU(d, from + c)), d, to + c);
    for (; c < count; ++c) to[c] = less.scale * from[c];
    return;
  }
  const float l0 = less.left[0][i], l1 = less.left[1][i];
  const float *const r0 = less.right[0] + j, *const r1 = less.right[1] + j;
  const F32s left0 = hn::Set(d, l0), left1 = hn::Set(d, l1);
  for (; c + lanes <= count; c += lanes) {
    const F32s x = hn::NegMulAdd(left0, hn::LoadU(d, r0 + c), hn::Mul(scale, hn::LoadU(d, from + c)));
    hn::StoreU(hn::NegMulAdd(left1, hn::LoadU(d, r1 + c), x), d, to + c);
  }
  for (; c < count; ++c) to[c] = less.scale * from[c] - l0 * r0[c] - l1 * r1[c];
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
HWY_EXPORT(WeightedColumnSums);
HWY_EXPORT(Copy);
HWY_EXPORT(CopyTransposed);

float largest_magnitude(const RowMajor& p) { return HWY_DYNAMIC_DISPATCH(LargestMagnitude)(p); }

void weighted_column_sums(const RowMajor& p, float scale, const float* g, double* along, double* sums) {
  HWY_DYNAMIC_DISPATCH(WeightedColumnSums)(p, scale, g, along, sums);
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
