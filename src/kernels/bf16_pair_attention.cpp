// SPDX-License-Identifier: MIT
#include "kernels/bf16_steps.h"

#if HWY_ARCH_X86_64

#include "kernels/bf16_block-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

constexpr int kTile = 8;     // keys whose scores are computed together
constexpr int kColumns = 8;  // of V

template <int NV>
using Scores = __m512[kTile][NV];

HWY_INLINE __m512i two_elements(const uint16_t* at) {
  int32_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return _mm512_set1_epi32(bits);
}

// sums[r, i] of the products of kTile rows of K and NV vectors of queries.
template <int NV>
HWY_INLINE void multiply_keys(const uint32_t* q, int64_t head_size, const uint16_t* k, int64_t stride,
                              Scores<NV>& sums) {
  const uint16_t* rows[kTile];
  HWY_UNROLL(8) for (int r = 0; r < kTile; ++r) rows[r] = k + r * stride;
  HWY_UNROLL(8) for (int r = 0; r < kTile; ++r) {
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[r][i] = _mm512_setzero_ps();
  }
  HWY_UNROLL(4) for (int64_t c = 0; c < head_size; c += 2, q += kQueries) {
    __m512i vectors[NV];
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) vectors[i] = _mm512_load_si512(q + i * kLanes);
    HWY_UNROLL(8) for (int r = 0; r < kTile; ++r) {
      const __m512i all = two_elements(rows[r] + c);
      HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[r][i] = add_pairs(sums[r][i], all, vectors[i]);
    }
  }
}

// Oᵀ[0 .. C) += (V columns)ᵀ P over `count` pairs of keys, of which there are some; = where `first`.
template <int C, int NV>
HWY_INLINE void add_columns(const uint32_t* v, int64_t v_stride, const uint32_t* p, int64_t count, bool first,
                            float* o) {
  __m512 sums[C][NV];
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[c][i] = _mm512_setzero_ps();
  }
  HWY_UNROLL(4) for (int64_t j = 0; j < count; ++j, p += kQueries, v += v_stride) {
    __m512i weights[NV];
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) weights[i] = _mm512_load_si512(p + i * kLanes);
    HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
      const __m512i all = _mm512_set1_epi32(static_cast<int32_t>(v[c]));
      HWY_UNROLL(3) for (int i = 0; i < NV; ++i) sums[c][i] = add_pairs(sums[c][i], all, weights[i]);
    }
  }
  HWY_UNROLL(8) for (int c = 0; c < C; ++c) {
    HWY_UNROLL(3) for (int i = 0; i < NV; ++i) {
      float* const to = o + c * kQueries + i * kLanes;
      _mm512_store_ps(to, first ? sums[c][i] : _mm512_add_ps(_mm512_load_ps(to), sums[c][i]));
    }
  }
}

// The weights of keys [begin, end), which are in room.p, meet V.
template <int NV>
HWY_NOINLINE void flush(const Bf16Attention& a, const Room& room, int64_t begin, int64_t end) {
  if (begin == end) return;
  const auto* const v = static_cast<const uint32_t*>(a.v) + begin / 2 * a.value_size;
  const int64_t count = pairs_of(end - begin);
  int64_t c = 0;
  for (; c + kColumns <= a.value_size; c += kColumns) {
    add_columns<kColumns, NV>(v + c, a.value_size, room.p, count, begin == 0, room.o + c * kQueries);
  }
  for (; c < a.value_size; ++c) {
    add_columns<1, NV>(v + c, a.value_size, room.p, count, begin == 0, room.o + c * kQueries);
  }
}

template <int NV>
HWY_INLINE bool above_limit(const float* limit, const Scores<NV>& scores) {
  __mmask16 above = 0;
  HWY_UNROLL(3) for (int i = 0; i < NV; ++i) {
    __m512 most = scores[0][i];
    HWY_UNROLL(8) for (int r = 1; r < kTile; ++r) most = _mm512_max_ps(most, scores[r][i]);
    above |= _mm512_cmp_ps_mask(most, _mm512_load_ps(limit + i * kLanes), _CMP_GT_OQ);
  }
  return above != 0;
}

// Moves the shifts of the vectors of queries from `Dead` on as their scores, which are in room.scores, ask
// for.
template <int NV, int Dead>
HWY_NOINLINE void raise(const Bf16Attention& a, const Room& room) {
  for (int i = Dead; i < NV; ++i) {
    float* const scores = room.scores + i * kLanes;
    __m512 most = _mm512_load_ps(scores);
    for (int r = 1; r < kTile; ++r) most = _mm512_max_ps(most, _mm512_load_ps(scores + r * kQueries));
    const __m512 rise = raise_shift(a, room, i, most);
    for (int r = 0; r < kTile; ++r) {
      float* const score = scores + r * kQueries;
      _mm512_store_ps(score, _mm512_sub_ps(_mm512_load_ps(score), rise));
    }
  }
}

// Scores become weights in pairs of keys; what is summed are the rounded ones.
template <int NV>
HWY_INLINE void weigh(const Scores<NV>& scores, uint32_t* p, float* sum) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  HWY_UNROLL(3) for (int i = 0; i < NV; ++i) {
    __m512 total = _mm512_load_ps(sum + i * kLanes);
    HWY_UNROLL(4) for (int r = 0; r < kTile; r += 2) {
      const __m512i pair = pair_of(exp2_of(scores[r][i]), exp2_of(scores[r + 1][i]));
      _mm512_store_si512(p + r / 2 * kQueries + i * kLanes, pair);
      const __m512 even = _mm512_castsi512_ps(_mm512_slli_epi32(pair, 16));
      total = _mm512_add_ps(total, _mm512_add_ps(even, _mm512_castsi512_ps(_mm512_and_si512(pair, upper))));
    }
    _mm512_store_ps(sum + i * kLanes, total);
  }
}

// Keys j .. j + kTile of those before `end`.
struct Tile {
  const uint16_t* k;
  int64_t stride, valid;
};

// A copy where the last key would be read beyond, or a row ends within a pair.
HWY_INLINE Tile tile_of(const Bf16Attention& a, const Room& room, int64_t j, int64_t end) {
  const uint16_t* const k = a.k + j * a.k_stride;
  if (HWY_LIKELY(j + kTile <= end && a.head_size % 2 == 0)) return {k, a.k_stride, kTile};
  const int64_t stride = 2 * pairs_of(a.head_size), valid = std::min<int64_t>(kTile, end - j);
  for (int64_t r = 0; r < kTile; ++r) {
    uint16_t* const row = room.k + r * stride;
    row[stride - 1] = 0;
    std::memcpy(row, k + std::min(r, valid - 1) * a.k_stride, static_cast<size_t>(a.head_size) * sizeof *row);
  }
  return {room.k, stride, valid};
}

// Weights of keys j .. j + kTile, before `end`, for the block's vectors of queries from `Dead` on; those
// before see none of them. `pending` is the first key whose weights are in room.p.
template <int NV, int Dead>
HWY_INLINE void weigh_tile(const Bf16Attention& a, const Room& room, int64_t query, int64_t j, int64_t end,
                           Ahead& ahead, int64_t& pending) {
  ahead.request();
  constexpr int kLive = NV - Dead, kFrom = Dead * kLanes;
  const int64_t first = query + kFrom;
  const Tile tile = tile_of(a, room, j, end);
  Scores<kLive> scores;
  multiply_keys<kLive>(room.q + kFrom, a.head_size, tile.k, tile.stride, scores);
  const __m512 scale = _mm512_set1_ps(a.scale * kLog2e);
  HWY_UNROLL(3) for (int i = 0; i < kLive; ++i) {
    const __m512 shift = _mm512_load_ps(room.shift + kFrom + i * kLanes);
    HWY_UNROLL(8) for (int r = 0; r < kTile; ++r) scores[r][i] = _mm512_fmadd_ps(scores[r][i], scale, shift);
  }
  if (are_biased(a, first, j, kTile, tile.valid)) add_biases(a, first, j, tile.valid, scores);
  if (HWY_UNLIKELY(above_limit<kLive>(room.limit + kFrom, scores))) {
    float* const kept = room.scores + kFrom;
    for (int r = 0; r < kTile; ++r) {
      for (int i = 0; i < kLive; ++i) _mm512_store_ps(kept + r * kQueries + i * kLanes, scores[r][i]);
    }
    flush<NV>(a, room, pending, j);
    pending = j;
    raise<NV, Dead>(a, room);
    for (int r = 0; r < kTile; ++r) {
      for (int i = 0; i < kLive; ++i) scores[r][i] = _mm512_load_ps(kept + r * kQueries + i * kLanes);
    }
  }
  uint32_t* const p = room.p + (j - pending) / 2 * kQueries;
  HWY_UNROLL(3) for (int i = 0; i < Dead; ++i) {
    for (int r = 0; r < kTile / 2; ++r)
      _mm512_store_si512(p + r * kQueries + i * kLanes, _mm512_setzero_si512());
  }
  weigh<kLive>(scores, p + kFrom, room.sum + kFrom);
}

int64_t whole_tiles(int64_t keys) { return (keys + kTile - 1) / kTile * kTile; }

// For a block of NV vectors of queries. Where causal, the tiles after a vector's last query leave it out.
template <int NV>
HWY_NOINLINE void add_keys(const Bf16Attention& a, const Room& room, const Block& block, int64_t begin,
                           int64_t end, Ahead& ahead) {
  const int64_t first = a.causal && NV > 1 ? std::min(end, whole_tiles(block.query + a.past + kLanes)) : end;
  const int64_t second =
      a.causal && NV > 2 ? std::min(end, whole_tiles(block.query + a.past + 2 * kLanes)) : end;
  int64_t pending = begin, j = begin;
  for (; j < first; j += kTile) weigh_tile<NV, 0>(a, room, block.query, j, end, ahead, pending);
  if constexpr (NV > 1) {
    for (; j < second; j += kTile) weigh_tile<NV, 1>(a, room, block.query, j, end, ahead, pending);
  }
  if constexpr (NV > 2) {
    for (; j < end; j += kTile) weigh_tile<NV, 2>(a, room, block.query, j, end, ahead, pending);
  }
  flush<NV>(a, room, pending, end);
}

// Of a block whose O begins with the first keys, unless it sees none.
template <int NV>
HWY_NOINLINE void begin_block_and_sums(const Bf16Attention& a, const Room& room, const Block& block) {
  begin_block<NV>(a, room, block);
  std::fill_n(room.sum, kQueries, 0.0f);
  if (seen_keys(a, block.end()) == 0) std::fill_n(room.o, a.value_size * kQueries, 0.0f);
}

constexpr Steps kSteps[kVectors] = {{begin_block_and_sums<1>, add_keys<1>, end_block<1>},
                                    {begin_block_and_sums<2>, add_keys<2>, end_block<2>},
                                    {begin_block_and_sums<3>, add_keys<3>, end_block<3>}};

}  // namespace

int64_t bf16_room_floats(int64_t head_size, int64_t value_size) {
  return Room::floats(head_size, value_size);
}

void bf16_pair_attention(const Bf16Attention& call, int64_t first, int64_t rows, float* workspace) {
  attend_rows(kSteps, call, first, rows, workspace);
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

#endif
