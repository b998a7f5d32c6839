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

#include "kernels/ahead.h"
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

// Whether a score of the keys at hand is above its lane's limit.
template <int NV>
HWY_INLINE bool is_above_limit(const Room& room) {
  const F32 d;
  auto above = hn::FirstN(d, 0);
  HWY_UNROLL(4) for (int i = 0; i < NV; ++i) {
    const int64_t at = i * kLanes;
    above = hn::Or(above, hn::Gt(hn::Load(d, room.most + at), hn::Load(d, room.limit + at)));
  }
  return !hn::AllFalse(d, above);
}

// Moves the shift of the lanes of vector i whose largest score `most` is above the limit, so that it becomes
// 0. Returns by how much their scores are to be lowered.
HWY_INLINE F32s raise_shift(const Room& room, int i, F32s most) {
  const F32 d;
  const int64_t at = i * kLanes;
  const F32s limit = hn::Load(d, room.limit + at);
  const auto above = hn::Gt(most, limit);
  const F32s rise = hn::IfThenElseZero(above, most);
  hn::Store(hn::Sub(hn::Load(d, room.shift + at), rise), d, room.shift + at);
  hn::Store(hn::IfThenElse(above, hn::Set(d, kRise), limit), d, room.limit + at);
  return rise;
}

// What the largest of `count` keys' scores in room.p asks for: they and what was `summed` become relative to
// it. False, and the scores are as they were, where one moves so far that their rounding would be felt: they
// are to be computed again with the new shift.
template <int NV>
HWY_NOINLINE bool Raise(const FusedAttention& a, const Room& room, int64_t count, bool summed) {
  const F32 d;
  const F32s zero = hn::Zero(d);
  F32s rises[NV], factors[NV];
  bool far = false;
  for (int i = 0; i < NV; ++i) {
    rises[i] = raise_shift(room, i, hn::Load(d, room.most + i * kLanes));
    // A first rise may be one down, but then nothing has been summed.
    const auto up = hn::Gt(rises[i], zero);
    factors[i] = hn::IfThenElse(up, exp2_of(d, hn::Neg(rises[i])), hn::Set(d, 1.0f));
    far |= !hn::AllFalse(d, hn::Gt(hn::Abs(rises[i]), hn::Set(d, kFar)));
  }
  if (summed) {
    scale_lanes<NV>(room.sum, 1, factors);
    scale_lanes<NV>(room.o, a.value_size, factors);
  }
  if (far) return false;
  for (int64_t j = 0; j < count; ++j) {
    for (int i = 0; i < NV; ++i) {
      float* const score = room.p + j * kQueries + i * kLanes;
      hn::Store(hn::Sub(hn::Load(d, score), rises[i]), d, score);
    }
  }
  return true;
}

// Keys [begin, end), whose scores are in room.p, are weighed and meet V.
template <int NV>
HWY_NOINLINE void Flush(const FusedAttention& a, const Room& room, int64_t begin, int64_t end) {
  weigh<NV>(room, end - begin);
  const float* const v = a.v + begin * a.v_stride;
  int64_t c = 0;
  for (; c + kColumns <= a.value_size; c += kColumns) {
    add_columns<kColumns, NV>(v + c, a.v_stride, room.p, end - begin, begin == 0, room.o + c * kQueries);
  }
  if (c + 4 <= a.value_size) {
    add_columns<4, NV>(v + c, a.v_stride, room.p, end - begin, begin == 0, room.o + c * kQueries);
    c += 4;
  }
  for (; c < a.value_size; ++c) {
    add_columns<1, NV>(v + c, a.v_stride, room.p, end - begin, begin == 0, room.o + c * kQueries);
  }
}

// Room.most of vector i, to which `largest` belongs too.
HWY_INLINE void add_to_most(const Room& room, int i, F32s largest) {
  const F32 d;
  float* const most = room.most + i * kLanes;
  hn::Store(hn::Max(hn::Load(d, most), largest), d, most);
}

// What few tiles need, of keys j .. j + kTile, `valid` of which there are, and queries from `query` on:
// biases are added to the scores at `p`; those of keys that are not there or not seen become −∞; with the
// first keys, the reference becomes each lane's largest. Then room.most takes them in.
template <int NV>
HWY_NOINLINE void FinishTile(const FusedAttention& a, const Room& room, int64_t query, int64_t j,
                             int64_t valid, float* p) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  const F32s never = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (int i = 0; i < NV; ++i, p += kLanes) {
    const int64_t first = query + i * kLanes;
    F32s largest = never;
    for (int r = 0; r < kTile; ++r) {
      const int64_t key = j + std::min<int64_t>(r, valid - 1);
      F32s s = hn::Load(d, p + r * kQueries);
      if (a.key_bias != nullptr) s = hn::Add(s, hn::Set(d, a.key_bias[key] * kLog2e));
      if (a.distance_bias != nullptr) {
        const F32s bias = hn::LoadU(d, a.distance_bias + first - key + a.keys - 1);
        s = hn::MulAdd(bias, hn::Set(d, kLog2e), s);
      }
      if (a.causal) {
        const auto ahead = hn::Gt(hn::Set(di, static_cast<int32_t>(key - first - a.past)), hn::Iota(di, 0));
        s = hn::IfThenElse(hn::RebindMask(d, ahead), never, s);
      }
      if (r >= valid) s = never;
      hn::Store(s, d, p + r * kQueries);
      largest = hn::Max(largest, s);
    }
    if (j == 0) {
      const F32s rise = raise_shift(room, i, largest);
      for (int r = 0; r < kTile; ++r)
        hn::Store(hn::Sub(hn::Load(d, p + r * kQueries), rise), d, p + r * kQueries);
      largest = hn::Sub(largest, rise);
    }
    add_to_most(room, i, largest);
  }
}

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

// Scores of keys j .. j + kTile, before `end`, for the block's vectors of queries from `Dead` on, go to `p`;
// those before see none of them.
template <int NV, int Dead>
HWY_INLINE void score_tile(const FusedAttention& a, const Room& room, int64_t query, int64_t j, int64_t end,
                           Ahead& ahead, float* p) {
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
  HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
    for (int i = 0; i < Dead; ++i) {
      hn::Store(hn::Set(d, -std::numeric_limits<float>::infinity()), d, p + r * kQueries + i * kLanes);
    }
    HWY_UNROLL(4) for (int i = 0; i < kLive; ++i) {
      hn::Store(scores[r][i], d, p + r * kQueries + (Dead + i) * kLanes);
    }
  }
  const bool biased = a.key_bias != nullptr || a.distance_bias != nullptr;
  if (HWY_UNLIKELY(j == 0 || tile.valid < kTile || biased || (a.causal && j + kTile > first + a.past + 1))) {
    return FinishTile<kLive>(a, live, first, j, tile.valid, p + Dead * kLanes);
  }
  HWY_UNROLL(4) for (int i = 0; i < kLive; ++i) {
    add_to_most(live, i, hn::Max(hn::Max(scores[0][i], scores[1][i]), hn::Max(scores[2][i], scores[3][i])));
  }
}

// Scores in room.p of keys [begin, end), kBlock at most, for a block of NV vectors of queries from `query`
// on, and the largest of them. Where causal, the tiles after a vector's last query leave it out.
template <int NV>
HWY_NOINLINE void Score(const FusedAttention& a, const Room& room, int64_t query, int64_t begin, int64_t end,
                        Ahead& ahead) {
  const auto seen_by = [&](int vectors) {
    const int64_t seen = (query + a.past + vectors * kLanes + kTile - 1) / kTile * kTile;
    return a.causal && vectors < NV ? std::min(end, seen) : end;
  };
  std::fill_n(room.most, kQueries, kLowest);
  float* p = room.p;
  int64_t j = begin;
  constexpr int64_t kRows = kTile * kQueries;
  const int64_t first = seen_by(1), second = seen_by(2);
  for (; j < first; j += kTile, p += kRows) score_tile<NV, 0>(a, room, query, j, end, ahead, p);
  if constexpr (NV > 1) {
    for (; j < second; j += kTile, p += kRows) score_tile<NV, 1>(a, room, query, j, end, ahead, p);
  }
  if constexpr (NV > 2) {
    for (; j < end; j += kTile, p += kRows) score_tile<NV, 2>(a, room, query, j, end, ahead, p);
  }
}

template <int NV>
HWY_INLINE void add_keys(const FusedAttention& a, const Room& room, int64_t query, int64_t begin, int64_t end,
                         Ahead& ahead) {
  Score<NV>(a, room, query, begin, end, ahead);
  if (HWY_UNLIKELY(is_above_limit<NV>(room))) {
    if (!Raise<NV>(a, room, end - begin, begin > 0)) Score<NV>(a, room, query, begin, end, ahead);
  }
  Flush<NV>(a, room, begin, end);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
