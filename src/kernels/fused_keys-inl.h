// SPDX-License-Identifier: MIT
// A block of queries of fused attention against some keys: scores, biases, references, weights, products with
// V. To be included once per instruction set.
#if defined(LINFORMER_KERNELS_FUSED_KEYS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_FUSED_KEYS_INL_H_
#undef LINFORMER_KERNELS_FUSED_KEYS_INL_H_
#else
#define LINFORMER_KERNELS_FUSED_KEYS_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/fused_attention.h"
#include "kernels/fused_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

// Scores of `count` keys in room.p become weights, whose sums join the others. In a loop of its own, so that
// exponentials of many overlap.
template <int NV>
HWY_INLINE void weigh(const Room& room, int64_t count) {
  const F32 d;
  F32s sums[NV];
  HWY_UNROLL(4) for (int i = 0; i < NV; ++i) sums[i] = hn::Zero(d);
  float* p = room.p;
  for (int64_t j = 0; j < count; ++j, p += kQueries) {
    HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
      const F32s weight = exp2_of(d, hn::Load(d, p + i * kLanes));
      hn::Store(weight, d, p + i * kLanes);
      sums[i] = hn::Add(sums[i], weight);
    }
  }
  HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
    float* const sum = room.sum + i * kLanes;
    hn::Store(hn::Add(hn::Load(d, sum), sums[i]), d, sum);
  }
}

// Keys [begin, end), whose scores are in room.p, are weighed and meet V.
template <int NV>
HWY_NOINLINE void Flush(const FusedAttention& a, const Room& room, int64_t begin, int64_t end) {
  if (begin == end) return;
  weigh<NV>(room, end - begin);
  const float* const v = a.v + begin * a.v_stride;
  int64_t c = 0;
  for (; c + kColumns <= a.value_size; c += kColumns) {
    add_columns<kColumns, NV>(v + c, a.v_stride, room.p, end - begin, room.o + c * kQueries);
  }
  if (c + 4 <= a.value_size) {
    add_columns<4, NV>(v + c, a.v_stride, room.p, end - begin, room.o + c * kQueries);
    c += 4;
  }
  for (; c < a.value_size; ++c) {
    add_columns<1, NV>(v + c, a.v_stride, room.p, end - begin, room.o + c * kQueries);
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
        const auto ahead = hn::Gt(hn::Set(di, static_cast<int32_t>(key - first - a.past)), hn::Iota(di, 0));
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

// Rows that will be needed soon, asked for one at a time while there is something to compute: memory takes
// few requests at once.
class Ahead {
 public:
  void add(const float* rows, int64_t stride, int64_t begin, int64_t end, int64_t size) {
    if (begin < end) streams_[count_++] = {rows + begin * stride, stride, end - begin, size};
  }

  // One row of each matrix goes to the second-level cache.
  HWY_INLINE void request() {
    for (int i = 0; i < count_; ++i) {
      Stream& stream = streams_[i];
      if (stream.rows == 0) continue;
      for (int64_t c = 0; c < stream.size; c += 16) __builtin_prefetch(stream.at + c, 0, 2);
      stream.at += stream.stride;
      --stream.rows;
    }
  }

 private:
  struct Stream {
    const float* at;
    int64_t stride, rows, size;
  };
  Stream streams_[4];
  int count_ = 0;
};

// A tile of keys, `valid` of which there are.
struct Tile {
  const float* k;
  int64_t stride, valid;
};

// Keys j .. j + kTile; where `end` comes first, a copy that repeats the last one.
HWY_INLINE Tile tile_of(const FusedAttention& a, const Room& room, int64_t j, int64_t end) {
  const float* const k = a.k + j * a.k_stride;
  if (HWY_LIKELY(j + kTile <= end)) return {k, a.k_stride, kTile};
  for (int64_t r = 0; r < kTile; ++r) {
    std::memcpy(room.k + r * a.head_size, k + std::min(r, end - j - 1) * a.k_stride,
                static_cast<size_t>(a.head_size) * sizeof(float));
  }
  return {room.k, a.head_size, end - j};
}

template <int NV>
HWY_INLINE void store_scores(float* to, const F32s (&scores)[kTile][NV]) {
  const F32 d;
  HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
    HWY_UNROLL(4)
    for (int i = 0; i < NV; ++i) hn::Store(scores[r][i], d, to + r * kQueries + i * kLanes);
  }
}

template <int NV>
HWY_INLINE void load_scores(const float* from, F32s (&scores)[kTile][NV]) {
  const F32 d;
  HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
    HWY_UNROLL(4)
    for (int i = 0; i < NV; ++i) scores[r][i] = hn::Load(d, from + r * kQueries + i * kLanes);
  }
}

// Scores of keys j .. j + kTile, before `end`, for the block's vectors of queries from `Dead` on; those
// before see none of them. `pending` is the first key whose scores are in room.p.
template <int NV, int Dead>
HWY_INLINE void score_tile(const FusedAttention& a, const Room& room, int64_t query, int64_t j, int64_t end,
                           Ahead& ahead, int64_t& pending) {
  ahead.request();
  constexpr int kLive = NV - Dead;
  const F32 d;
  const Room live = room.from(Dead);
  const int64_t first = query + Dead * kLanes;
  const Tile tile = tile_of(a, room, j, end);
  F32s scores[kTile][kLive];
  multiply_keys<kLive>(
      live.q, a.head_size, tile.k, tile.stride,
      [&](int, int i) HWY_ATTR { return hn::Load(d, live.shift + i * kLanes); }, scores);
  const bool biased = a.key_bias != nullptr || a.distance_bias != nullptr;
  if (HWY_UNLIKELY(tile.valid < kTile || biased || (a.causal && j + kTile > first + a.past + 1))) {
    add_biases<kLive>(a, first, j, tile.valid, scores);
  }
  if (HWY_UNLIKELY(above_limit<kLive>(live, scores))) {
    store_scores<kLive>(live.scores, scores);
    Flush<NV>(a, room, pending, j);
    pending = j;
    Raise<kLive>(a, live);
    load_scores<kLive>(live.scores, scores);
  }
  float* const p = room.p + (j - pending) * kQueries;
  const F32s never = hn::Set(d, -std::numeric_limits<float>::infinity());
  HWY_UNROLL(4) for (int i = 0; i < Dead; ++i) {
    HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) hn::Store(never, d, p + r * kQueries + i * kLanes);
  }
  store_scores<kLive>(p + Dead * kLanes, scores);
}

// Keys [begin, end), kBlock at most, for a block of NV vectors of queries from `query` on. Where causal, the
// tiles after a vector's last query leave it out.
template <int NV>
HWY_NOINLINE void Keys(const FusedAttention& a, const Room& room, int64_t query, int64_t begin, int64_t end,
                       Ahead& ahead) {
  const auto seen_by = [&](int vectors) {
    const int64_t seen = (query + a.past + vectors * kLanes + kTile - 1) / kTile * kTile;
    return a.causal && vectors < NV ? std::min(end, seen) : end;
  };
  int64_t pending = begin, j = begin;
  for (; j < seen_by(1); j += kTile) score_tile<NV, 0>(a, room, query, j, end, ahead, pending);
  if constexpr (NV > 1) {
    for (; j < seen_by(2); j += kTile) score_tile<NV, 1>(a, room, query, j, end, ahead, pending);
  }
  if constexpr (NV > 2) {
    for (; j < end; j += kTile) score_tile<NV, 2>(a, room, query, j, end, ahead, pending);
  }
  Flush<NV>(a, room, pending, end);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
