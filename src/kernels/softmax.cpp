// SPDX-License-Identifier: MIT
#include "kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/softmax.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F32 = hn::ScalableTag<float>;
using F32s = hn::Vec<F32>;
using F64 = hn::ScalableTag<double>;
using F64s = hn::Vec<F64>;

// Lanes are summed in f32 over at most 32 vectors, then in f64.
HWY_INLINE int64_t block_size() { return 32 * static_cast<int64_t>(hn::Lanes(F32())); }

constexpr float kLowest = std::numeric_limits<float>::lowest();

// Where e^x counts as 0: 1.8e-35. Subnormal probabilities would say nothing and make this code and every
// product with them many times slower.
constexpr float kLeastExponent = -80.0f;
// The same for moments, whose terms are products e t t; e^-50 is far below the rounding of any sum.
constexpr float kLeastMomentExponent = -50.0f;

// e^x for least <= x <= 0, least >= -80: n = round(x / ln 2), r = x − n ln 2, e^r = 1 + r + r² q(r), times
// 2^n. q is of degree 4, interpolated at Chebyshev nodes of |r| <= ln 2 / 2: relative error 1.1e-8 before
// rounding. Smaller x, −inf included, give 0; NaN stays NaN.
HWY_INLINE F32s exp_nonpositive(F32 d, F32s x, float least) {
  const hn::Rebind<int32_t, F32> di;
  const F32s n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504f)));
  // ln 2 = 0x1.62e4p-1, short enough that n times it is exact, + 1.4286068e-6
  F32s r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1f), x);
  r = hn::NegMulAdd(n, hn::Set(d, 1.4286068e-6f), r);
  F32s q = hn::MulAdd(hn::Set(d, 1.392618359e-3f), r, hn::Set(d, 8.363179053e-3f));
  q = hn::MulAdd(q, r, hn::Set(d, 4.166655462e-2f));
  q = hn::MulAdd(q, r, hn::Set(d, 1.666657699e-1f));
  q = hn::MulAdd(q, r, hn::Set(d, 0.5f));
  const F32s e = hn::Add(hn::MulAdd(hn::Mul(r, r), q, r), hn::Set(d, 1.0f));
  const auto exponent = hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127));
  const F32s power = hn::BitCast(d, hn::ShiftLeft<23>(exponent));
  return hn::IfThenElse(hn::Lt(x, hn::Set(d, least)), hn::Zero(d), hn::Mul(e, power));
}

// The largest of x[count]; at least the lowest finite value, so that x − it is never −inf + inf.
HWY_INLINE float max_of(const float* x, int64_t count) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  F32s m = hn::Set(d, kLowest);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) m = hn::Max(m, hn::LoadU(d, x + i));
  float best = hn::GetLane(hn::MaxOfLanes(d, m));
  for (; i < count; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

// x[count] (count <= block_size()) becomes exp(scale (x − max)); returns its sum.
HWY_INLINE double exp_block(float* x, int64_t count, float scale, float max) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const F32s s = hn::Set(d, scale);
  const F32s m = hn::Set(d, max);
  F32s sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const F32s e = exp_nonpositive(d, hn::Mul(hn::Sub(hn::LoadU(d, x + i), m), s), kLeastExponent);
    hn::StoreU(e, d, x + i);
    sum = hn::Add(sum, e);
  }
  if (i < count) {
    HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
    const size_t bytes = static_cast<size_t>(count - i) * sizeof(float);
    std::memcpy(rest, x + i, bytes);
    const F32s e = exp_nonpositive(d, hn::Mul(hn::Sub(hn::Load(d, rest), m), s), kLeastExponent);
    sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(count - i)), e));
    hn::Store(e, d, rest);
    std::memcpy(x + i, rest, bytes);
  }
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
}

HWY_INLINE void multiply(float* x, int64_t count, float factor) {
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const F32s f = hn::Set(d, factor);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Mul(hn::LoadU(d, x + i), f), d, x + i);
  for (; i < count; ++i) x[i] *= factor;
}

void SoftmaxRows(float* x, int64_t rows, int64_t cols, int64_t stride, float scale, bool causal,
                 int64_t first_row) {
  const int64_t block = block_size();
  for (int64_t r = 0; r < rows; ++r) {
    float* row = x + r * stride;
    const int64_t valid = causal ? std::min(cols, first_row + r + 1) : cols;
    const float max = max_of(row, valid);
    double sum = 0;
    for (int64_t i = 0; i < valid; i += block)
      sum += exp_block(row + i, std::min(block, valid - i), scale, max);
    multiply(row, valid, sum == 0 ? 0.0f : static_cast<float>(1 / sum));
    std::fill(row + valid, row + cols, 0.0f);
  }
}

// Adds e, e t and e t² of one vector of logits to lanes.
HWY_INLINE void add_moments(F32 d, F32s x, F32s max, F32s alpha, hn::Mask<F32> use, F32s& sum, F32s& sum_t,
                            F32s& sum_tt) {
  const F32s lowest = hn::Set(d, -1e30f);  // 0 times it is 0, which 0 times −inf is not
  F32s t = hn::Sub(x, max);
  t = hn::IfThenElse(hn::Lt(t, lowest), lowest, t);
  const F32s e = hn::IfThenElseZero(use, exp_nonpositive(d, hn::Mul(alpha, t), kLeastMomentExponent));
  const F32s et = hn::Mul(e, t);
  sum = hn::Add(sum, e);
  sum_t = hn::Add(sum_t, et);
  sum_tt = hn::MulAdd(et, t, sum_tt);
}

SoftmaxMoments Moments(const float* x, int64_t count, float alpha) {
  if (count == 0) return {0, 0};
  const F32 d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const F32s m = hn::Set(d, max_of(x, count));
  const F32s a = hn::Set(d, alpha);
  double e = 0;
  double et = 0;
  double ett = 0;
  const auto all = hn::FirstN(d, static_cast<size_t>(lanes));
  const int64_t block = block_size();
  for (int64_t begin = 0; begin < count; begin += block) {
    const int64_t end = std::min(count, begin + block);
    F32s sum = hn::Zero(d);
    F32s sum_t = hn::Zero(d);
    F32s sum_tt = hn::Zero(d);
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes) add_moments(d, hn::LoadU(d, x + i), m, a, all, sum, sum_t, sum_tt);
    if (i < end) {
      HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
      std::memcpy(rest, x + i, static_cast<size_t>(end - i) * sizeof(float));
      add_moments(d, hn::Load(d, rest), m, a, hn::FirstN(d, static_cast<size_t>(end - i)), sum, sum_t,
                  sum_tt);
    }
    e += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
    et += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum_t)));
    ett += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum_tt)));
  }
  const double mean = et / e;
  return {std::log(e) - static_cast<double>(alpha) * mean, std::max(0.0, ett / e - mean * mean)};
}

// p ln p of normal numbers; 0 of smaller ones, and NaN stays NaN. p = 2^n (1 + r), |r| <= √2 − 1, and
// ln(1 + r) = r + r² q(r) with q of degree 7, interpolated at Chebyshev nodes: relative error 5.5e-8 before
// rounding.
HWY_INLINE F32s p_log_p(F32 d, F32s p) {
  const hn::Rebind<int32_t, F32> di;
  const auto root_half = hn::Set(di, 0x3f3504f3);  // √½
  const auto bits = hn::BitCast(di, p);
  const auto n = hn::ShiftRight<23>(hn::Sub(bits, root_half));
  const F32s r = hn::Sub(hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(n))), hn::Set(d, 1.0f));
  F32s q = hn::MulAdd(hn::Set(d, 8.787265509e-2f), r, hn::Set(d, -1.415964702e-1f));
  q = hn::MulAdd(q, r, hn::Set(d, 1.483478684e-1f));
  q = hn::MulAdd(q, r, hn::Set(d, -1.658848853e-1f));
  q = hn::MulAdd(q, r, hn::Set(d, 1.997204971e-1f));
  q = hn::MulAdd(q, r, hn::Set(d, -2.500114768e-1f));
  q = hn::MulAdd(q, r, hn::Set(d, 3.333367061e-1f));
  q = hn::MulAdd(q, r, hn::Set(d, -4.999999713e-1f));
  const F32s log = hn::MulAdd(hn::ConvertTo(d, n), hn::Set(d, 0.693147181f), hn::MulAdd(hn::Mul(r, r), q, r));
  return hn::IfThenZeroElse(hn::Lt(p, hn::Set(d, std::numeric_limits<float>::min())), hn::Mul(p, log));
}

// Adds p[lanes of F32] to sums and squares.
HWY_INLINE void add_entries(const float* p, F64s& sum, F64s& squares) {
  const F64 d;
  const hn::Rebind<float, F64> narrow;
  const auto step = static_cast<int64_t>(hn::Lanes(d)), count = static_cast<int64_t>(hn::Lanes(F32()));
  for (int64_t i = 0; i < count; i += step) {
    const F64s x = hn::PromoteTo(d, hn::LoadU(narrow, p + i));
    sum = hn::Add(sum, x);
    squares = hn::MulAdd(x, x, squares);
  }
}

RowMoments Row(const float* p, int64_t count) {
  const F32 d;
  const F64 d64;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), block = block_size();
  F64s sum = hn::Zero(d64), squares = hn::Zero(d64);
  double logs = 0;
  for (int64_t begin = 0; begin < count; begin += block) {
    const int64_t end = std::min(count, begin + block);
    F32s some = hn::Zero(d);
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes) {
      some = hn::Add(some, p_log_p(d, hn::LoadU(d, p + i)));
      add_entries(p + i, sum, squares);
    }
    if (i < end) {
      HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
      std::memcpy(rest, p + i, static_cast<size_t>(end - i) * sizeof(float));
      some = hn::Add(some, p_log_p(d, hn::Load(d, rest)));
      add_entries(rest, sum, squares);
    }
    logs += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, some)));
  }
  return {.sum = hn::GetLane(hn::SumOfLanes(d64, sum)),
          .squares = hn::GetLane(hn::SumOfLanes(d64, squares)),
          .entropy = 0.0 - logs};
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(SoftmaxRows);
HWY_EXPORT(Moments);
HWY_EXPORT(Row);

void softmax_rows(float* x, int64_t rows, int64_t cols, int64_t stride, float scale, bool causal,
                  int64_t first_row) {
  HWY_DYNAMIC_DISPATCH(SoftmaxRows)(x, rows, cols, stride, scale, causal, first_row);
}

SoftmaxMoments softmax_moments(const float* x, int64_t count, float alpha) {
  return HWY_DYNAMIC_DISPATCH(Moments)(x, count, alpha);
}

RowMoments row_moments(const float* p, int64_t count) { return HWY_DYNAMIC_DISPATCH(Row)(p, count); }

}  // namespace linformer
#endif
