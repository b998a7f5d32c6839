// SPDX-License-Identifier: MIT
#include "kernels/rms_norm.h"

#include <cmath>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rms_norm.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F32 = hn::ScalableTag<float>;

HWY_INLINE double sum_of_squares(const float* x, int64_t count) {
  const F32 d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    sum = hn::MulAdd(v, v, sum);
  }
  auto total = static_cast<double>(hn::GetLane(hn::SumOfLanes(d, sum)));
  for (; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

void RmsNormRows(const float* x, int64_t rows, int64_t cols, const float* weight, float epsilon, float* y) {
  const F32 d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    const double mean = sum_of_squares(x, cols) / static_cast<double>(cols);
    const auto factor = static_cast<float>(1 / std::sqrt(mean + static_cast<double>(epsilon)));
    const auto f = hn::Set(d, factor);
    int64_t i = 0;
    for (; i + lanes <= cols; i += lanes) {
      hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, x + i), f), hn::LoadU(d, weight + i)), d, y + i);
    }
    for (; i < cols; ++i) y[i] = x[i] * factor * weight[i];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(RmsNormRows);

void rms_norm_rows(const float* x, int64_t rows, int64_t cols, const float* weight, float epsilon, float* y) {
  HWY_DYNAMIC_DISPATCH(RmsNormRows)(x, rows, cols, weight, epsilon, y);
}

}  // namespace linformer
#endif
