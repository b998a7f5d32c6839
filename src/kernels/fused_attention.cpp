// SPDX-License-Identifier: MIT
// Lanes are queries: a block of them against four keys at a time, so that maxima, sums and scaling need no
// step across lanes, and K and V are read as they lie, an element at a time into all lanes. Scores stay in
// registers; their exponentials go to a buffer of the first-level cache. A query's reference for the
// exponentials is set by the first keys and moves only when a score rises far above it ("lazy rescaling"), so
// that one pass is enough. The scheme is that of FlashAttention (Dao et al. 2022), turned by a quarter.
#include "kernels/fused_attention.h"

#include <algorithm>
#include <cstring>
#include <limits>

// Compiled once per instruction set. Arrays of vectors need a known number of lanes.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fused_attention.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F32 = hn::ScalableTag<float>;
using F32s = hn::Vec<F32>;

constexpr int64_t kLanes = HWY_LANES(float);
constexpr int kVectors = 3;                      // of queries
constexpr int64_t kQueries = kVectors * kLanes;  // in a block; a key's scores of it are a row of the buffers
constexpr int kTile = 4;                         // keys whose scores are computed together
constexpr int64_t kChain = 16;                   // products summed one after another
constexpr int64_t kBlock = 128;                  // keys whose weights are kept before they meet V
constexpr int kColumns = HWY_TARGET == HWY_AVX3 || HWY_TARGET < HWY_AVX3 || HWY_ARCH_ARM ? 8 : 4;  // of V
constexpr float kRise = 24.0f;  // above the reference, in powers of two, that is let be
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
  float* q;       // [head_size], scaled by log2 e: Qᵀ
  float* o;       // [value_size]: Oᵀ, not yet divided by the sums
  float* p;       // [kBlock]: weights of the keys at hand
  float* scores;  // [kTile]
  float* shift;   // one row: minus the score that the weights are relative to
  float* limit;   // one row: the shifted score from which that moves
  float* sum;     // one row: of the weights that are in o
  float* fresh;   // one row: of the weights in p
  float* k;       // [kTile, head_size]: keys of the last, shorter tile

  Room(float* at, int64_t head_size, int64_t value_size)
      : q(at),
        o(q + head_size * kQueries),
        p(o + value_size * kQueries),
        scores(p + kBlock * kQueries),
        shift(scores + kTile * kQueries),
        limit(shift + kQueries),
        sum(limit + kQueries),
        fresh(sum + kQueries),
        k(fresh + kQueries) {}

  // The same from vector `v` of the block on; keys are not moved.
  Room from(int v) const {
    Room room = *this;
    for (float** part :
         {&room.q, &room.o, &room.p, &room.scores, &room.shift, &room.limit, &room.sum, &room.fresh}) {
      *part += v * kLanes;
    }
    return room;
  }

  static int64_t floats(int64_t head_size, int64_t value_size) {
    return (head_size + value_size + kBlock + kTile + 4) * kQueries + (kTile * head_size + 15) / 16 * 16;
  }
};

int64_t Rows() { return kQueries; }

int64_t Workspace(int64_t head_size, int64_t value_size) { return Room::floats(head_size, value_size); }

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

// Oᵀ[c .. c + C) += (V columns)ᵀ P over `count` keys.
template <int C, int NV>
HWY_INLINE void add_columns(const float* v, int64_t v_stride, const float* p, int64_t count, float* o) {
  const F32 d;
  F32s sums[C][NV];
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) sums[c][i] = hn::Zero(d);
  }
  for (int64_t j = 0; j < count; ++j, p += kQueries, v += v_stride) {
    F32s weights[NV];
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) weights[i] = hn::Load(d, p + i * kLanes);
    HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
      const F32s value = hn::Set(d, v[c]);
      HWY_UNROLL(4) for (int i = 0; i < NV; ++i) sums[c][i] = hn::MulAdd(value, weights[i], sums[c][i]);
    }
  }
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
      float* const to = o + c * kQueries + i * kLanes;
      hn::Store(hn::Add(hn::Load(d, to), sums[c][i]), d, to);
    }
  }
}

// The weights of keys [begin, end), which are in room.p, meet V; their sums join the others.
template <int NV>
HWY_NOINLINE void Flush(const FusedAttention& a, const Room& room, int64_t begin, int64_t end) {
  if (begin == end) return;
  const F32 d;
  const float* const v = a.v + begin * a.v_stride;
  int64_t c = 0;
  for (; c + kColumns <= a.value_size; c += kColumns) {
    add_columns<kColumns, NV>(v + c, a.v_stride, room.p, end - begin, room.o + c * kQueries);
  }
  for (; c < a.value_size; ++c) {
    add_columns<1, NV>(v + c, a.v_stride, room.p, end - begin, room.o + c * kQueries);
  }
  for (int i = 0; i < NV; ++i) {
    float* const sum = room.sum + i * kLanes;
    hn::Store(hn::Add(hn::Load(d, sum), hn::Load(d, room.fresh + i * kLanes)), d, sum);
    hn::Store(hn::Zero(d), d, room.fresh + i * kLanes);
  }
}

// Moves the shifts of the lanes whose scores in room.scores are above their limits, so that the largest
// becomes 0; these scores and what was summed become relative to it.
template <int NV>
HWY_NOINLINE void Raise(const FusedAttention& a, const Room& room) {
  const F32 d;
  F32s factors[NV];
  for (int i = 0; i < NV; ++i) {
    const int64_t at = i * kLanes;
    F32s most = hn::Load(d, room.scores + at);
    for (int r = 1; r < kTile; ++r) most = hn::Max(most, hn::Load(d, room.scores + r * kQueries + at));
    const F32s limit = hn::Load(d, room.limit + at);
    const auto above = hn::Gt(most, limit);
    const F32s rise = hn::IfThenElseZero(above, most);
    // The first rise may be one down, but then nothing has been summed.
    factors[i] = exp2_of(d, hn::Neg(hn::Max(rise, hn::Zero(d))));
    hn::Store(hn::Sub(hn::Load(d, room.shift + at), rise), d, room.shift + at);
    hn::Store(hn::IfThenElse(above, hn::Set(d, kRise), limit), d, room.limit + at);
    for (int r = 0; r < kTile; ++r) {
      float* const score = room.scores + r * kQueries + at;
      hn::Store(hn::Sub(hn::Load(d, score), rise), d, score);
    }
  }
  scale_lanes<NV>(room.sum, 1, factors);
  scale_lanes<NV>(room.o, a.value_size, factors);
}

// Shifted scores of kTile keys, as powers of two: products of at most kChain terms, then their sums. Begun
// with the shift, the sums are small, and so is their rounding, where weights are large.
template <int NV>
HWY_INLINE void multiply_keys(const Room& room, int64_t head_size, const float* k, int64_t stride,
                              F32s (&scores)[kTile][NV]) {
  const F32 d;
  HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) scores[r][i] = hn::Load(d, room.shift + i * kLanes);
  }
  const float* q = room.q;
  const float* const k1 = k + stride;
  const float* const k2 = k1 + stride;
  const float* const k3 = k2 + stride;
  for (int64_t begin = 0; begin < head_size; begin += kChain) {
    const int64_t end = std::min(begin + kChain, head_size);
    F32s chain[kTile][NV];
    HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
      HWY_UNROLL(4) for (int i = 0; i < NV; ++i) chain[r][i] = hn::Zero(d);
    }
    HWY_UNROLL(4) for (int64_t c = begin; c < end; ++c, q += kQueries) {
      const F32s keys[kTile] = {hn::Set(d, k[c]), hn::Set(d, k1[c]), hn::Set(d, k2[c]), hn::Set(d, k3[c])};
      HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
        const F32s query = hn::Load(d, q + i * kLanes);
        HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) chain[r][i] = hn::MulAdd(keys[r], query, chain[r][i]);
      }
    }
    HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
      HWY_UNROLL(4) for (int i = 0; i < NV; ++i) scores[r][i] = hn::Add(scores[r][i], chain[r][i]);
    }
  }
}

// Adds the biases of keys j .. j + kTile, `valid` of which there are, for queries from `query` on.
template <int NV>
HWY_INLINE void add_biases(const FusedAttention& a, int64_t query, int64_t j, int64_t valid,
                           F32s (&scores)[kTile][NV]) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  const F32s never = hn::Set(d, -std::numeric_limits<float>::infinity());
  HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
    const int64_t key = j + std::min<int64_t>(r, valid - 1);
    const F32s of_key = hn::Set(d, a.key_bias == nullptr ? 0.0f : a.key_bias[key] * kLog2e);
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
      const int64_t first = query + i * kLanes;
      F32s s = hn::Add(scores[r][i], of_key);
      if (a.distance_bias != nullptr) {
        const F32s bias = hn::LoadU(d, a.distance_bias + first - key + a.keys - 1);
        s = hn::MulAdd(bias, hn::Set(d, kLog2e), s);
      }
      if (a.causal) {
        const auto ahead = hn::Gt(hn::Set(di, static_cast<int32_t>(key - first)), hn::Iota(di, 0));
        s = hn::IfThenElse(hn::RebindMask(d, ahead), never, s);
      }
      scores[r][i] = r < valid ? s : never;
    }
  }
}

template <int NV>
HWY_INLINE bool above_limit(const Room& room, const F32s (&scores)[kTile][NV]) {
  const F32 d;
  auto above = hn::FirstN(d, 0);
  HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
    F32s most = scores[0][i];
    HWY_UNROLL(4) for (int r = 1; r < kTile; ++r) most = hn::Max(most, scores[r][i]);
    above = hn::Or(above, hn::Gt(most, hn::Load(d, room.limit + i * kLanes)));
  }
  return !hn::AllFalse(d, above);
}

// Keys [begin, end) for the NV vectors of queries that `room` begins with, from query `query` on.
template <int NV>
HWY_NOINLINE void Keys(const FusedAttention& a, const Room& room, int64_t query, int64_t begin, int64_t end) {
  const F32 d;
  int64_t block = begin;
  for (int64_t j = begin; j < end; j += kTile) {
    const int64_t valid = std::min<int64_t>(kTile, end - j);
    const float* k = a.k + j * a.k_stride;
    int64_t stride = a.k_stride;
    if (HWY_UNLIKELY(valid < kTile)) {
      stride = a.head_size;
      for (int64_t r = 0; r < kTile; ++r) {
        std::memcpy(room.k + r * stride, k + std::min(r, valid - 1) * a.k_stride,
                    static_cast<size_t>(a.head_size) * sizeof(float));
      }
      k = room.k;
    }
    if (j - block + kTile > kBlock) {
      Flush<NV>(a, room, block, j);
      block = j;
    }
    F32s scores[kTile][NV];
    multiply_keys<NV>(room, a.head_size, k, stride, scores);
    const bool biased = a.key_bias != nullptr || a.distance_bias != nullptr;
    if (HWY_UNLIKELY(valid < kTile || biased || (a.causal && j + kTile > query + 1))) {
      add_biases<NV>(a, query, j, valid, scores);
    }
    if (HWY_UNLIKELY(above_limit<NV>(room, scores))) {
      HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
        HWY_UNROLL(4)
        for (int i = 0; i < NV; ++i) hn::Store(scores[r][i], d, room.scores + r * kQueries + i * kLanes);
      }
      Flush<NV>(a, room, block, j);
      block = j;
      Raise<NV>(a, room);
      HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
        HWY_UNROLL(4)
        for (int i = 0; i < NV; ++i) scores[r][i] = hn::Load(d, room.scores + r * kQueries + i * kLanes);
      }
    }
    float* const p = room.p + (j - block) * kQueries;
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
      F32s sum = hn::Load(d, room.fresh + i * kLanes);
      HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
        const F32s weight = exp2_of(d, scores[r][i]);
        hn::Store(weight, d, p + r * kQueries + i * kLanes);
        sum = hn::Add(sum, weight);
      }
      hn::Store(sum, d, room.fresh + i * kLanes);
    }
  }
  Flush<NV>(a, room, block, end);
}

// `rows` queries from `query` on, in NV vectors. Where causal, the keys after `query` go in steps of a
// vector, against those vectors alone that see them.
template <int NV>
HWY_INLINE void run_block(const FusedAttention& a, const Room& room, int64_t query, int64_t rows) {
  const F32 d;
  F32s factors[NV];
  for (int i = 0; i < NV; ++i) factors[i] = hn::Set(d, a.scale * kLog2e);
  if (rows < NV * kLanes) std::fill_n(room.q, a.head_size * kQueries, 0.0f);
  transpose(a.q + query * a.q_stride, a.q_stride, rows, a.head_size, room.q, kQueries);
  scale_lanes<NV>(room.q, a.head_size, factors);
  std::fill_n(room.o, a.value_size * kQueries, 0.0f);
  for (int i = 0; i < NV; ++i) {
    hn::Store(hn::Set(d, kLowest), d, room.limit + i * kLanes);
    for (float* row : {room.shift, room.sum, room.fresh}) hn::Store(hn::Zero(d), d, row + i * kLanes);
  }
  const int64_t all = a.causal ? std::min(a.keys, query + rows) : a.keys;
  const int64_t common = a.causal && NV > 1 ? std::min(all, query + kLanes) : all;
  Keys<NV>(a, room, query, 0, common);
  if constexpr (NV > 1) {
    const int64_t next = std::min(all, common + kLanes);
    if (common < all) Keys<NV - 1>(a, room.from(1), query + kLanes, common, NV > 2 ? next : all);
    if constexpr (NV > 2) {
      if (next < all) Keys<NV - 2>(a, room.from(2), query + 2 * kLanes, next, all);
    }
  }
  for (int i = 0; i < NV; ++i) {
    const F32s sum = hn::Load(d, room.sum + i * kLanes);
    factors[i] = hn::IfThenZeroElse(hn::Eq(sum, hn::Zero(d)), hn::Div(hn::Set(d, 1.0f), sum));
  }
  scale_lanes<NV>(room.o, a.value_size, factors);
  transpose(room.o, kQueries, a.value_size, rows, a.o + query * a.o_stride, a.o_stride);
}

void Attend(const FusedAttention& a, int64_t first, int64_t rows, float* workspace) {
  const Room room(workspace, a.head_size, a.value_size);
  const int64_t end = first + rows;
  while (first < end) {
    const int64_t left = end - first, vectors = (left + kLanes - 1) / kLanes;
    // Four vectors are two blocks of two, not of three and one.
    const int64_t taken = vectors == 4 ? 2 : std::min<int64_t>(vectors, kVectors);
    const int64_t count = std::min(left, taken * kLanes);
    if (taken == 3) run_block<3>(a, room, first, count);
    if (taken == 2) run_block<2>(a, room, first, count);
    if (taken == 1) run_block<1>(a, room, first, count);
    first += count;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(Rows);
HWY_EXPORT(Workspace);
HWY_EXPORT(Attend);

int64_t fused_attention_rows() { return HWY_DYNAMIC_DISPATCH(Rows)(); }

int64_t fused_attention_workspace(int64_t head_size, int64_t value_size) {
  return HWY_DYNAMIC_DISPATCH(Workspace)(head_size, value_size);
}

void fused_attention(const FusedAttention& call, int64_t first, int64_t rows, float* workspace) {
  HWY_DYNAMIC_DISPATCH(Attend)(call, first, rows, workspace);
}

}  // namespace linformer
#endif
