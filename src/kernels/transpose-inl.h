// SPDX-License-Identifier: MIT
// Transposition of small f32 blocks; to be included once per instruction set.
#if defined(LINFORMER_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_TRANSPOSE_INL_H_
#undef LINFORMER_KERNELS_TRANSPOSE_INL_H_
#else
#define LINFORMER_KERNELS_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {

// to[c, i] = from[i, c] for i, c < 4; strides in elements.
HWY_INLINE void transpose_4x4(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 4; ++i) {
    for (int c = 0; c < 4; ++c) to[c * to_stride + i] = from[i * from_stride + c];
  }
#else
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::FixedTag<float, 4> d;
  const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_stride);
  const auto r2 = hn::LoadU(d, from + 2 * from_stride), r3 = hn::LoadU(d, from + 3 * from_stride);
  const auto l0 = hn::InterleaveLower(d, r0, r2), l1 = hn::InterleaveLower(d, r1, r3);
  const auto u0 = hn::InterleaveUpper(d, r0, r2), u1 = hn::InterleaveUpper(d, r1, r3);
  hn::StoreU(hn::InterleaveLower(d, l0, l1), d, to);
  hn::StoreU(hn::InterleaveUpper(d, l0, l1), d, to + to_stride);
  hn::StoreU(hn::InterleaveLower(d, u0, u1), d, to + 2 * to_stride);
  hn::StoreU(hn::InterleaveUpper(d, u0, u1), d, to + 3 * to_stride);
#endif
}

// to[c, i] = from[i, c] for i < rows, c < cols.
HWY_INLINE void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t cols, float* to,
                          int64_t to_stride) {
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    int64_t c = 0;
    for (; c + 4 <= cols; c += 4) {
      transpose_4x4(from + i * from_stride + c, from_stride, to + c * to_stride + i, to_stride);
    }
    for (; c < cols; ++c) {
      for (int64_t r = i; r < i + 4; ++r) to[c * to_stride + r] = from[r * from_stride + c];
    }
  }
  for (; i < rows; ++i) {
    for (int64_t c = 0; c < cols; ++c) to[c * to_stride + i] = from[i * from_stride + c];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
