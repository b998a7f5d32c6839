// SPDX-License-Identifier: MIT
#include "kernels/bf16_attention.h"

#include <hwy/base.h>

#include <algorithm>

#if HWY_ARCH_X86_64

#include <limits>

#include "kernels/bf16_block-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

// The weights of keys [begin, end), which are in room.p, meet V.
template <int NV>
HWY_NOINLINE void flush(const Bf16Attention& a, const Room& room, int64_t begin, int64_t end) {
  if (begin == end) return;
  const uint32_t* const v = a.v_pairs + begin / 2 * a.value_size;
  const int64_t count = pairs_of(end - begin);
  int64_t c = 0;
  for (; c + kColumns <= a.value_size; c += kColumns) {
    add_columns<kColumns, NV>(v + c, a.value_size, room.p, count, room.o + c * kQueries);
  }
  for (; c < a.value_size; ++c) {
    add_columns<1, NV>(v + c, a.value_size, room.p, count, room.o + c * kQueries);
  }
}

// Moves the shifts of the lanes whose scores in room.scores are above their limits, so that the largest
// becomes 0; these scores and what was summed become relative to it.
template <int NV>
HWY_NOINLINE void raise(const Bf16Attention& a, const Room& room) {
  __m512 factors[NV];
  for (int i = 0; i < NV; ++i) {
    const int64_t at = i * kLanes;
    __m512 most = _mm512_load_ps(room.scores + at);
    for (int r = 1; r < kTile; ++r)
      most = _mm512_max_ps(most, _mm512_load_ps(room.scores + r * kQueries + at));
    const __m512 limit = _mm512_load_ps(room.limit + at);
    const __mmask16 above = _mm512_cmp_ps_mask(most, limit, _CMP_GT_OQ);
    const __m512 rise = _mm512_maskz_mov_ps(above, most);
    // The first rise may be one down, but then nothing has been summed.
    factors[i] = exp2_of(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_max_ps(rise, _mm512_setzero_ps())));
    _mm512_store_ps(room.shift + at, _mm512_sub_ps(_mm512_load_ps(room.shift + at), rise));
    _mm512_store_ps(room.limit + at, _mm512_mask_mov_ps(limit, above, _mm512_set1_ps(kRise)));
    for (int r = 0; r < kTile; ++r) {
      float* const score = room.scores + r * kQueries + at;
      _mm512_store_ps(score, _mm512_sub_ps(_mm512_load_ps(score), rise));
    }
  }
  scale_lanes<NV>(room.sum, 1, factors);
  scale_lanes<NV>(room.o, a.value_size, factors);
}

// Adds the biases of keys j .. j + kTile, `valid` of which there are, for queries from `query` on.
template <int NV>
HWY_NOINLINE void add_biases(const Bf16Attention& a, int64_t query, int64_t j, int64_t valid,
                             Scores<NV>& scores) {
  const __m512 never = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  for (int r = 0; r < kTile; ++r) {
    const int64_t key = j + std::min<int64_t>(r, valid - 1);
    const __m512 of_key = _mm512_set1_ps(a.key_bias == nullptr ? 0.0f : a.key_bias[key] * kLog2e);
    for (int i = 0; i < NV; ++i) {
      const int64_t first = query + i * kLanes;
      __m512 s = _mm512_add_ps(scores[r][i], of_key);
      if (a.distance_bias != nullptr) {
        const __m512 bias = _mm512_loadu_ps(a.distance_bias + first - key + a.keys - 1);
        s = _mm512_fmadd_ps(bias, _mm512_set1_ps(kLog2e), s);
      }
      if (a.causal) {
        const __m512i ahead = _mm512_set1_epi32(static_cast<int32_t>(key - first));
        s = _mm512_mask_mov_ps(s, _mm512_cmpgt_epi32_mask(ahead, lanes), never);
      }
      scores[r][i] = r < valid ? s : never;
    }
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
                           int64_t& pending) {
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
  const bool biased = a.key_bias != nullptr || a.distance_bias != nullptr;
  if (HWY_UNLIKELY(tile.valid < kTile || biased || (a.causal && j + kTile > first + 1))) {
    add_biases<kLive>(a, first, j, tile.valid, scores);
  }
  if (HWY_UNLIKELY(above_limit<kLive>(room.limit + kFrom, scores))) {
    Room live = room;
    for (float** part : {&live.o, &live.shift, &live.limit, &live.sum, &live.scores}) *part += kFrom;
    for (int r = 0; r < kTile; ++r) {
      for (int i = 0; i < kLive; ++i) _mm512_store_ps(live.scores + r * kQueries + i * kLanes, scores[r][i]);
    }
    flush<NV>(a, room, pending, j);
    pending = j;
    raise<kLive>(a, live);
    for (int r = 0; r < kTile; ++r) {
      for (int i = 0; i < kLive; ++i) scores[r][i] = _mm512_load_ps(live.scores + r * kQueries + i * kLanes);
    }
  }
  uint32_t* const p = room.p + (j - pending) / 2 * kQueries;
  HWY_UNROLL(3) for (int i = 0; i < Dead; ++i) {
    for (int r = 0; r < kTile / 2; ++r)
      _mm512_store_si512(p + r * kQueries + i * kLanes, _mm512_setzero_si512());
  }
  weigh<kLive>(scores, p + kFrom, room.sum + kFrom);
}

// `rows` queries from `query` on, in `vectors` vectors.
struct Block {
  int64_t query, rows, vectors;

  int64_t end() const { return query + rows; }
};

int64_t whole_tiles(int64_t keys) { return (keys + kTile - 1) / kTile * kTile; }

// Keys [begin, end), kBlock at most, for a block of NV vectors of queries. Where causal, the tiles after a
// vector's last query leave it out.
template <int NV>
HWY_NOINLINE void add_keys(const Bf16Attention& a, const Room& room, const Block& block, int64_t begin,
                           int64_t end) {
  const int64_t first = a.causal && NV > 1 ? std::min(end, whole_tiles(block.query + kLanes)) : end;
  const int64_t second = a.causal && NV > 2 ? std::min(end, whole_tiles(block.query + 2 * kLanes)) : end;
  int64_t pending = begin, j = begin;
  for (; j < first; j += kTile) weigh_tile<NV, 0>(a, room, block.query, j, end, pending);
  if constexpr (NV > 1) {
    for (; j < second; j += kTile) weigh_tile<NV, 1>(a, room, block.query, j, end, pending);
  }
  if constexpr (NV > 2) {
    for (; j < end; j += kTile) weigh_tile<NV, 2>(a, room, block.query, j, end, pending);
  }
  flush<NV>(a, room, pending, end);
}

template <int NV>
HWY_NOINLINE void begin_block(const Bf16Attention& a, const Room& room, const Block& block) {
  const int64_t pairs = pairs_of(a.head_size);
  for (int v = 0; v < NV; ++v) {
    for (int64_t c = 0; c < pairs; c += kLanes) {
      // Of the 32 elements of a row's 16 pairs.
      const int64_t left = a.head_size - 2 * c;
      const __mmask32 there = left >= 32 ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
      __m512i rows[kLanes];
      HWY_UNROLL(16) for (int i = 0; i < kLanes; ++i) {
        const int64_t row = v * kLanes + i;
        const uint16_t* const from = a.q + (block.query + row) * a.q_stride + 2 * c;
        rows[i] = row < block.rows ? _mm512_maskz_loadu_epi16(there, from) : _mm512_setzero_si512();
      }
      transpose(rows);
      uint32_t* const to = room.q + c * kQueries + v * kLanes;
      HWY_UNROLL(16) for (int i = 0; i < kLanes; ++i) {
        if (c + i < pairs) _mm512_store_si512(to + i * kQueries, rows[i]);
      }
    }
  }
  std::fill_n(room.o, a.value_size * kQueries, 0.0f);
  std::fill_n(room.shift, kQueries, 0.0f);
  std::fill_n(room.limit, kQueries, std::numeric_limits<float>::lowest());
  std::fill_n(room.sum, kQueries, 0.0f);
}

template <int NV>
HWY_NOINLINE void end_block(const Bf16Attention& a, const Room& room, const Block& block) {
  for (int v = 0; v < NV; ++v) {
    const __m512 sum = _mm512_load_ps(room.sum + v * kLanes);
    const __mmask16 some = _mm512_cmp_ps_mask(sum, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512 factor = _mm512_maskz_div_ps(some, _mm512_set1_ps(1.0f), sum);
    for (int64_t c = 0; c < a.value_size; c += kLanes) {
      __m512i rows[kLanes];
      HWY_UNROLL(16) for (int i = 0; i < kLanes; ++i) {
        const float* const from = room.o + (c + i) * kQueries + v * kLanes;
        rows[i] = c + i < a.value_size ? _mm512_castps_si512(_mm512_mul_ps(_mm512_load_ps(from), factor))
                                       : _mm512_setzero_si512();
      }
      transpose(rows);
      const __mmask16 there = first_lanes(std::min<int64_t>(kLanes, a.value_size - c));
      uint16_t* const to = a.o + (block.query + v * kLanes) * a.o_stride + c;
      HWY_UNROLL(16) for (int i = 0; i < kLanes; ++i) {
        const auto row = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_castsi512_ps(rows[i])));
        if (v * kLanes + i < block.rows) _mm256_mask_storeu_epi16(to + i * a.o_stride, there, row);
      }
    }
  }
}

// What is done with a block, by the number of its vectors.
struct Steps {
  void (*begin)(const Bf16Attention&, const Room&, const Block&);
  void (*add_keys)(const Bf16Attention&, const Room&, const Block&, int64_t, int64_t);
  void (*end)(const Bf16Attention&, const Room&, const Block&);
};
constexpr Steps kSteps[kVectors] = {{begin_block<1>, add_keys<1>, end_block<1>},
                                    {begin_block<2>, add_keys<2>, end_block<2>},
                                    {begin_block<3>, add_keys<3>, end_block<3>}};

Block next_block(int64_t first, int64_t end) {
  const int64_t left = end - first, vectors = (left + kLanes - 1) / kLanes;
  // Four vectors are two blocks of two, not of three and one.
  const int64_t taken = vectors == 4 ? 2 : std::min<int64_t>(vectors, kVectors);
  return {.query = first, .rows = std::min(left, taken * kLanes), .vectors = taken};
}

int64_t seen_keys(const Bf16Attention& a, int64_t end) { return a.causal ? std::min(a.keys, end) : a.keys; }

// A group of blocks of queries; each block of keys meets all of them in turn.
void attend_group(const Bf16Attention& a, const Block* blocks, int64_t count, float* workspace) {
  const int64_t seen = seen_keys(a, blocks[count - 1].end());
  for (int64_t i = 0; i < count; ++i) {
    kSteps[blocks[i].vectors - 1].begin(a, Room(workspace, a.head_size, a.value_size, i), blocks[i]);
  }
  for (int64_t begin = 0; begin < seen; begin += kBlock) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t end = std::min(seen_keys(a, blocks[i].end()), begin + kBlock);
      if (begin >= end) continue;
      kSteps[blocks[i].vectors - 1].add_keys(a, Room(workspace, a.head_size, a.value_size, i), blocks[i],
                                             begin, end);
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    kSteps[blocks[i].vectors - 1].end(a, Room(workspace, a.head_size, a.value_size, i), blocks[i]);
  }
}

}  // namespace

int64_t bf16_attention_workspace(int64_t head_size, int64_t value_size) {
  return Room::floats(head_size, value_size);
}

void bf16_attention(const Bf16Attention& call, int64_t first, int64_t rows, float* workspace) {
  const int64_t end = first + rows;
  while (first < end) {
    Block blocks[kGroup];
    int64_t count = 0;
    for (; count < kGroup && first < end; ++count) {
      blocks[count] = next_block(first, end);
      first += blocks[count].rows;
    }
    attend_group(call, blocks, count, workspace);
  }
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

#else  // has_bf16_products() is false, and neither is called

namespace linformer {

int64_t bf16_attention_workspace(int64_t, int64_t) { return 0; }

void bf16_attention(const Bf16Attention&, int64_t, int64_t, float*) {}

}  // namespace linformer

#endif
