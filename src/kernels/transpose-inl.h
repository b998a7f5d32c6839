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
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Side of the squares that are transposed in registers.
constexpr int64_t kTransposed = HWY_LANES(float) >= 16 ? 16 : HWY_LANES(float) >= 8 ? 8 : 4;

// What columns are multiplied with, from one on; null: they are not.
template <bool kScaled>
struct ColumnFactors {
  const float* at = nullptr;

  ColumnFactors from(int64_t c) const { return {kScaled ? at + c : nullptr}; }
  float times(float x, int64_t c) const { return kScaled ? x * at[c] : x; }
  template <class D>
  HWY_INLINE hn::Vec<D> times(D d, hn::Vec<D> row) const {
    return kScaled ? hn::Mul(row, hn::LoadU(d, at)) : row;
  }
};

// to[c, i] = from[i, c] factors[c] for i, c < N, of 4 and kTransposed; strides in elements. Rows are taken
// apart within each quarter of a vector, then whole quarters change places.
template <int64_t N, class Factors>
HWY_INLINE void transpose_square(const float* from, int64_t from_stride, const Factors& factors, float* to,
                                 int64_t to_stride) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t i = 0; i < N; ++i) {
    for (int64_t c = 0; c < N; ++c) to[c * to_stride + i] = factors.times(from[i * from_stride + c], c);
  }
#else
  static_assert(N <= 8 || (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3));
  const hn::FixedTag<float, N> d;
  hn::Vec<decltype(d)> t[N];  // quarter b of t[4 g + k] is column 4 b + k of rows 4 g .. 4 g + 3
  HWY_UNROLL(4) for (int64_t g = 0; g < N; g += 4, from += 4 * from_stride) {
    const auto row = [&](int64_t i)
                         HWY_ATTR { return factors.times(d, hn::LoadU(d, from + i * from_stride)); };
    const auto r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3);
    const auto l0 = hn::InterleaveLower(d, r0, r2), l1 = hn::InterleaveLower(d, r1, r3);
    const auto u0 = hn::InterleaveUpper(d, r0, r2), u1 = hn::InterleaveUpper(d, r1, r3);
    t[g] = hn::InterleaveLower(d, l0, l1);
    t[g + 1] = hn::InterleaveUpper(d, l0, l1);
    t[g + 2] = hn::InterleaveLower(d, u0, u1);
    t[g + 3] = hn::InterleaveUpper(d, u0, u1);
  }
  HWY_UNROLL(4) for (int64_t k = 0; k < 4; ++k, to += to_stride) {
    if constexpr (N == 4) {
      hn::StoreU(t[k], d, to);
    } else if constexpr (N == 8) {
      hn::StoreU(hn::ConcatLowerLower(d, t[4 + k], t[k]), d, to);
      hn::StoreU(hn::ConcatUpperUpper(d, t[4 + k], t[k]), d, to + 4 * to_stride);
    } else {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
      const auto store = [&](__m512 first, __m512 second, int64_t quarter) HWY_ATTR {
        _mm512_storeu_ps(to + 4 * quarter * to_stride, _mm512_shuffle_f32x4(first, second, 0x88));
        _mm512_storeu_ps(to + 4 * (quarter + 2) * to_stride, _mm512_shuffle_f32x4(first, second, 0xdd));
      };
      const auto a = t[k].raw, b = t[4 + k].raw, c = t[8 + k].raw, e = t[12 + k].raw;
      store(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(c, e, 0x88), 0);
      store(_mm512_shuffle_f32x4(a, b, 0xdd), _mm512_shuffle_f32x4(c, e, 0xdd), 1);
#endif
    }
  }
#endif
}

// to[c, i] = from[i, c] factors[c] for i < rows, c < cols: by the largest squares first.
template <class Factors>
HWY_INLINE void transpose_by(const float* from, int64_t from_stride, int64_t rows, int64_t cols,
                             const Factors& factors, float* to, int64_t to_stride) {
  constexpr int64_t kLarge = kTransposed, kSmall = 4;
  const auto squares = [&](auto side, int64_t i, int64_t begin) HWY_ATTR {
    for (int64_t c = begin; c + side <= cols; c += side) {
      transpose_square<side>(from + i * from_stride + c, from_stride, factors.from(c), to + c * to_stride + i,
                             to_stride);
    }
  };
  const auto element = [&](int64_t i, int64_t c)
                           HWY_ATTR { to[c * to_stride + i] = factors.times(from[i * from_stride + c], c); };
  const int64_t high = rows / kLarge * kLarge, wide = cols / kLarge * kLarge;
  const int64_t most_rows = rows / kSmall * kSmall, most_cols = cols / kSmall * kSmall;
  for (int64_t i = 0; i < high; i += kLarge) squares(std::integral_constant<int64_t, kLarge>(), i, 0);
  for (int64_t i = 0; i < most_rows; i += kSmall) {
    squares(std::integral_constant<int64_t, kSmall>(), i, i < high ? wide : 0);
    for (int64_t c = most_cols; c < cols; ++c) {
      for (int64_t r = i; r < i + kSmall; ++r) element(r, c);
    }
  }
  for (int64_t i = most_rows; i < rows; ++i) {
    for (int64_t c = 0; c < cols; ++c) element(i, c);
  }
}

HWY_INLINE void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t cols, float* to,
                          int64_t to_stride) {
  transpose_by(from, from_stride, rows, cols, ColumnFactors<false>(), to, to_stride);
}

// Columns are multiplied with `factors` [cols].
HWY_INLINE void transpose_scaled(const float* from, int64_t from_stride, int64_t rows, int64_t cols,
                                 const float* factors, float* to, int64_t to_stride) {
  transpose_by(from, from_stride, rows, cols, ColumnFactors<true>{factors}, to, to_stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
