// SPDX-License-Identifier: MIT
// What fused attention does with a block of queries: its workspace, products with keys and with columns of V,
// exponentials. To be included once per instruction set.
#if defined(LINFORMER_KERNELS_FUSED_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_FUSED_BLOCK_INL_H_
#undef LINFORMER_KERNELS_FUSED_BLOCK_INL_H_
#else
#define LINFORMER_KERNELS_FUSED_BLOCK_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>

#include "base/stride.h"
#include "kernels/fused_attention.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using F32s = hn::Vec<F32>;

constexpr int64_t kLanes = HWY_LANES(float);
constexpr int kVectors = 3;                      // of queries
constexpr int64_t kQueries = kVectors * kLanes;  // in a block; a key's scores of it are a row of the buffers
constexpr int kTile = 4;                         // keys whose scores are computed together
constexpr int64_t kChain = 16;                   // products summed one after another
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM;  // 32 of them, not 16
constexpr int64_t kBlock = 128;                   // keys whose weights are kept before they meet V
constexpr int kColumns = kManyRegisters ? 8 : 4;  // of V
constexpr int kGroup = static_cast<int>(kFusedAttentionGroup / kQueries);  // blocks of queries
constexpr float kRise = 24.0f;  // above the reference, in powers of two, that is let be
constexpr float kFar = 64.0f;   // above it: scores from which on are computed again, for their rounding
constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kLog2e = 1.44269504f;

// 2^x, 0 for x < −100; NaN stays NaN. x = n + f, |f| <= 1/2; 2^f by a polynomial of least largest relative
// error, 7.5e-8.
HWY_INLINE F32s exp2_of(F32 d, F32s x) {
  const F32s n = hn::Round(x);
  const F32s f = hn::Sub(x, n);
  F32s p = hn::MulAdd(hn::Set(d, 0x1.5c08e6p-10f), f, hn::Set(d, 0x1.3d0c52p-7f));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.c6b6e4p-5f));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.ebf918p-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.62e428p-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 0x1.000002p+0f));
  const F32s least = hn::Set(d, -100.0f);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  const __mmask16 kept = _mm512_cmp_ps_mask(x.raw, least.raw, _CMP_NLT_UQ);
  return F32s{_mm512_maskz_scalef_ps(kept, p.raw, n.raw)};
#else
  const hn::RebindToSigned<F32> di;
  const auto exponent = hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127));
  const F32s power = hn::BitCast(d, hn::ShiftLeft<23>(exponent));
  return hn::IfThenZeroElse(hn::Lt(x, least), hn::Mul(p, power));
#endif
}

// The workspace of a block of queries. Rows are kQueries floats, a lane each.
struct Room {
  float* q;      // [head_size], scaled to powers of two: Qᵀ
  float* o;      // [value_size]: Oᵀ, not yet divided by the sums
  float* shift;  // one row: minus the score that the weights are relative to
  float* limit;  // one row: the shifted score from which that moves
  float* sum;    // one row: of the weights that are in o
  // What follows is shared by the blocks of a group.
  float* p;      // [kBlock]: scores, then weights, of the keys at hand
  float* most;   // one row: the largest of those scores
  float* scale;  // [head_size]: scale · log₂ e, a factor for each column of Q
  float* k;      // [kTile, head_size]: keys of the last, shorter tile

  // Of block `index` of a group.
  Room(float* at, int64_t head_size, int64_t value_size, int64_t index)
      : q(at + index * own_floats(head_size, value_size)),
        o(q + head_size * kQueries),
        shift(o + value_size * kQueries),
        limit(shift + kQueries),
        sum(limit + kQueries),
        p(at + kGroup * own_floats(head_size, value_size)),
        most(p + kBlock * kQueries),
        scale(most + kQueries),
        k(scale + whole_lines(head_size)) {}

  // The same from vector `v` of the block on; keys are not moved.
  Room from(int v) const {
    Room room = *this;
    for (float** part : {&room.q, &room.o, &room.shift, &room.limit, &room.sum, &room.p, &room.most}) {
      *part += v * kLanes;
    }
    return room;
  }

  static int64_t floats(int64_t head_size, int64_t value_size) {
    return kGroup * own_floats(head_size, value_size) + (kBlock + 1) * kQueries + whole_lines(head_size) +
           whole_lines(kTile * head_size);
  }

 private:
  static int64_t own_floats(int64_t head_size, int64_t value_size) {
    return (head_size + value_size + 3) * kQueries;
  }
};

// rows[r] *= factors, lane by lane, for the rows of a buffer.
template <int NV>
HWY_INLINE void scale_lanes(float* rows, int64_t count, const F32s (&factors)[NV]) {
  const F32 d;
  for (int64_t r = 0; r < count; ++r, rows += kQueries) {
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
      float* const at = rows + i * kLanes;
      hn::Store(hn::Mul(hn::Load(d, at), factors[i]), d, at);
    }
  }
}

// sums[c, i] + factor(c) row[i], or without the sum where First. Sums that begin with a product are faster
// than ones that begin with zeros, by a sixth on Zen 3 where they are of 16 products.
template <bool First, int C, int NV, class Factor>
HWY_INLINE void add_products(const float* row, Factor&& factor, F32s (&sums)[C][NV]) {
  const F32 d;
  // One factor at a time, so that 16 registers hold sums, the row and it.
  F32s vectors[NV];
  HWY_UNROLL(4) for (int i = 0; i < NV; ++i) vectors[i] = hn::Load(d, row + i * kLanes);
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    const F32s all = hn::Set(d, factor(c));
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
      sums[c][i] = First ? hn::Mul(all, vectors[i]) : hn::MulAdd(all, vectors[i], sums[c][i]);
    }
  }
}

// Oᵀ[c .. c + C) += (V columns)ᵀ P over `count` keys, of which there are some; = where `first`.
template <int C, int NV>
HWY_INLINE void add_columns(const float* v, int64_t v_stride, const float* p, int64_t count, bool first,
                            float* o) {
  const F32 d;
  F32s sums[C][NV];
  const auto value = [&](int c) HWY_ATTR { return v[c]; };
  add_products<true>(p, value, sums);
  HWY_UNROLL(4) for (int64_t j = 1; j < count; ++j) {
    p += kQueries;
    v += v_stride;
    add_products<false>(p, value, sums);
  }
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
      float* const to = o + c * kQueries + i * kLanes;
      hn::Store(first ? sums[c][i] : hn::Add(hn::Load(d, to), sums[c][i]), d, to);
    }
  }
}

// chain[r, i] = the products of `count` elements of kTile keys and of NV vectors of queries, summed.
template <int NV>
HWY_INLINE void multiply_chain(const float* q, const float* const (&k)[kTile], int64_t count,
                               F32s (&chain)[kTile][NV]) {
  const auto add = [&](int64_t c) HWY_ATTR {
    add_products<false>(
        q + c * kQueries, [&](int r) HWY_ATTR { return k[r][c]; }, chain);
  };
  add_products<true>(
      q, [&](int r) HWY_ATTR { return k[r][0]; }, chain);
  if (count == kChain) {
    HWY_UNROLL(16) for (int64_t c = 1; c < kChain; ++c) add(c);
  } else {
    for (int64_t c = 1; c < count; ++c) add(c);
  }
}

// Shifted scores of kTile keys, as powers of two: products of at most kChain terms, then their sums. Begun
// with the shift, start(r, i) for key r and vector i of queries, the sums are small, and so is their
// rounding, where weights are large.
template <int NV, class Start>
HWY_INLINE void multiply_keys(const float* q, int64_t head_size, const float* k, int64_t stride,
                              Start&& start, F32s (&scores)[kTile][NV]) {
  HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) scores[r][i] = start(r, i);
  }
  const auto add = [&](int64_t begin, int64_t count) HWY_ATTR {
    const float* const at = k + begin;
    F32s chain[kTile][NV];
    multiply_chain<NV>(q + begin * kQueries, {at, at + stride, at + 2 * stride, at + 3 * stride}, count,
                       chain);
    HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
      HWY_UNROLL(4) for (int i = 0; i < NV; ++i) scores[r][i] = hn::Add(scores[r][i], chain[r][i]);
    }
  };
  int64_t begin = 0;
  for (; begin + kChain <= head_size; begin += kChain) add(begin, kChain);
  if (begin < head_size) add(begin, head_size - begin);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
