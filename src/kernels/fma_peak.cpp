// SPDX-License-Identifier: MIT
#include "kernels/fma_peak.h"

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fma_peak.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F32 = hn::ScalableTag<float>;
using F32s = hn::Vec<F32>;

// Two units of a latency of four or five cycles want ten; 16 registers hold twelve beside two factors.
constexpr int kSums = 12;

double FmaBurst(int64_t rounds) {
  const F32 d;
  // Sums go to a limit: x ← x / 2 + 1.
  const F32s half = hn::Set(d, 0.5f), one = hn::Set(d, 1.0f);
  F32s sums[kSums];
  HWY_UNROLL(12) for (int i = 0; i < kSums; ++i) sums[i] = hn::Set(d, static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
    HWY_UNROLL(12) for (int i = 0; i < kSums; ++i) sums[i] = hn::MulAdd(sums[i], half, one);
  }
  F32s all = hn::Zero(d);
  HWY_UNROLL(12) for (int i = 0; i < kSums; ++i) all = hn::Add(all, sums[i]);
  // What is computed must be used; it is never negative.
  const bool used = hn::GetLane(hn::SumOfLanes(d, all)) >= 0;
  return used ? 2.0 * kSums * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds) : 0;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(FmaBurst);

double fma_burst(int64_t rounds) { return HWY_DYNAMIC_DISPATCH(FmaBurst)(rounds); }

}  // namespace linformer
#endif
