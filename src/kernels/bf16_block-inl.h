// SPDX-License-Identifier: MIT
// Blocks of queries of bf16_attention, whatever multiplies: their workspace, exponentials, biases, the shift
// of scores, beginning and end, and their order. For the files of that kernel only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/ahead.h"
#include "kernels/bf16_attention.h"
#include "kernels/bf16_pairs.h"
#include "kernels/bf16_vectors-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

constexpr int kVectors = 3;                       // of queries
constexpr int64_t kQueries = kBf16AttentionRows;  // in a block
constexpr int64_t kBlock = 256;                   // keys whose weights are kept before they meet V
constexpr int64_t kGroup = kBf16AttentionGroup / kQueries;
constexpr int64_t kMostKeys = 16;  // whose scores are computed together

constexpr int64_t whole16(int64_t count) { return (count + 15) / 16 * 16; }

// The workspace of a block of queries. Rows are kQueries floats or pairs, a lane each.
struct Room {
  uint32_t* q;   // [whole16(pairs of head_size)]: Qᵀ
  float* o;      // [whole16(value_size + 1)]: Oᵀ, not yet divided by the sums
  float* sum;    // one row, that after the last of O: of the weights so far
  float* shift;  // one row: minus the score that the weights are relative to, as a power of two
  float* limit;  // one row: the shifted score from which that moves
  // What follows is shared by the blocks of a group.
  uint32_t* p;    // [kBlock / 2]: weights of pairs of keys
  float* scores;  // [2 kMostKeys]
  uint16_t* k;    // [kMostKeys, 2 whole16(pairs of head_size)]: keys that cannot be read as they lie

  Room(float* at, int64_t head_size, int64_t value_size, int64_t index) {
    float* const own = at + index * own_floats(head_size, value_size);
    q = reinterpret_cast<uint32_t*>(own);
    o = own + whole16(pairs_of(head_size)) * kQueries;
    sum = o + value_size * kQueries;
    shift = o + whole16(value_size + 1) * kQueries;
    limit = shift + kQueries;
    float* const shared = at + kGroup * own_floats(head_size, value_size);
    p = reinterpret_cast<uint32_t*>(shared);
    scores = shared + kBlock / 2 * kQueries;
    k = reinterpret_cast<uint16_t*>(scores + 2 * kMostKeys * kQueries);
  }

  static int64_t floats(int64_t head_size, int64_t value_size) {
    return kGroup * own_floats(head_size, value_size) + (kBlock / 2 + 2 * kMostKeys) * kQueries +
           kMostKeys * whole16(pairs_of(head_size));
  }

 private:
  static int64_t own_floats(int64_t head_size, int64_t value_size) {
    return (whole16(pairs_of(head_size)) + whole16(value_size + 1) + 2) * kQueries;
  }
};

// `rows` queries from `query` on, in `vectors` vectors.
struct Block {
  int64_t query, rows, vectors;

  int64_t end() const { return query + rows; }
};

constexpr float kRise = 24.0f;  // above the reference, in powers of two, that is let be
constexpr float kLog2e = 1.44269504f;

// 2^x as the nearest of some 7 more bits than bf16 has; 0 for −∞, NaN stays NaN. x = ⌊x⌋ + f; 2^f by a cubic
// of least largest relative error, 7.5e-5.
HWY_INLINE __m512 exp2_of(__m512 x) {
  const __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = _mm512_set1_ps(0.0780245215f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.226067156f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.695833564f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999925196f));
  return _mm512_scalef_ps(p, x);
}

// Adds the biases of keys j .. j + R, `valid` of which there are, to scores[r, i] of vectors of queries from
// `query` on.
template <int R, int NV>
HWY_NOINLINE void add_biases(const Bf16Attention& a, int64_t query, int64_t j, int64_t valid,
                             __m512 (&scores)[R][NV]) {
  const __m512 never = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  for (int r = 0; r < R; ++r) {
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
        const __m512i ahead = _mm512_set1_epi32(static_cast<int32_t>(key - first - a.past));
        s = _mm512_mask_mov_ps(s, _mm512_cmpgt_epi32_mask(ahead, lanes), never);
      }
      scores[r][i] = r < valid ? s : never;
    }
  }
}

// Whether the scores of a vector of queries from `query` on and `keys` keys from j on, `valid` of which there
// are, have biases.
HWY_INLINE bool are_biased(const Bf16Attention& a, int64_t query, int64_t j, int64_t keys, int64_t valid) {
  const bool given = a.key_bias != nullptr || a.distance_bias != nullptr;
  return HWY_UNLIKELY(valid < keys || given || (a.causal && j + keys > query + a.past + 1));
}

// Moves the shift of lane vector i from where its largest score `most` is above the limit, so that it becomes
// 0; what was summed becomes relative to it. Returns by how much each lane's scores are lowered.
HWY_INLINE __m512 raise_shift(const Bf16Attention& a, const Room& room, int i, __m512 most) {
  const int64_t at = i * kLanes;
  const __m512 limit = _mm512_load_ps(room.limit + at);
  const __mmask16 above = _mm512_cmp_ps_mask(most, limit, _CMP_GT_OQ);
  const __m512 rise = _mm512_maskz_mov_ps(above, most);
  _mm512_store_ps(room.shift + at, _mm512_sub_ps(_mm512_load_ps(room.shift + at), rise));
  _mm512_store_ps(room.limit + at, _mm512_mask_mov_ps(limit, above, _mm512_set1_ps(kRise)));
  const __m512 none_yet = _mm512_set1_ps(std::numeric_limits<float>::lowest());
  if (_mm512_cmp_ps_mask(limit, none_yet, _CMP_NEQ_UQ) == 0) return rise;  // nothing has been summed
  // A lane's first rise may be one down, and its sums are zeros.
  const __m512 factor = exp2_of(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_max_ps(rise, _mm512_setzero_ps())));
  for (int64_t c = 0; c <= a.value_size; ++c) {  // the last are the sums
    float* const o = room.o + c * kQueries + at;
    _mm512_store_ps(o, _mm512_mul_ps(_mm512_load_ps(o), factor));
  }
  return rise;
}

// Weights of two keys, rounded to bf16, as a pair.
HWY_INLINE __m512i pair_of(__m512 even, __m512 odd) {
  const __m512i half = _mm512_set1_epi32(0x8000);
  const __m512i low = _mm512_add_epi32(_mm512_castps_si512(even), half);
  const __m512i high = _mm512_add_epi32(_mm512_castps_si512(odd), half);
  return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(low, 16), high);
}

// All but O and the sums, which a kernel begins as it adds to them.
template <int NV>
HWY_NOINLINE void begin_block(const Bf16Attention& a, const Room& room, const Block& block) {
  for (int v = 0; v < NV; ++v) {
    for (int64_t c = 0; c < pairs_of(a.head_size); c += kLanes) {
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
      HWY_UNROLL(16) for (int i = 0; i < kLanes; ++i) _mm512_store_si512(to + i * kQueries, rows[i]);
    }
  }
  std::fill_n(room.shift, kQueries, 0.0f);
  std::fill_n(room.limit, kQueries, std::numeric_limits<float>::lowest());
}

inline void store_part(const Bf16Attention& a, const Room& room, const Block& block) {
  for (int64_t c = 0; c < a.value_size; ++c) {
    const float* const from = room.o + c * kQueries;
    float* const to = a.part.o + block.query * a.value_size + c;
    for (int64_t i = 0; i < block.rows; ++i) to[i * a.value_size] = from[i];
  }
  std::copy_n(room.sum, block.rows, a.part.sums + block.query);
  std::copy_n(room.shift, block.rows, a.part.shifts + block.query);
}

template <int NV>
HWY_NOINLINE void end_block(const Bf16Attention& a, const Room& room, const Block& block) {
  if (a.part.o != nullptr) return store_part(a, room, block);
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
  // Keys [begin, end), kBlock at most.
  void (*add_keys)(const Bf16Attention&, const Room&, const Block&, int64_t, int64_t, Ahead&);
  void (*end)(const Bf16Attention&, const Room&, const Block&);
};

inline Block next_block(int64_t first, int64_t end) {
  const int64_t left = end - first, vectors = (left + kLanes - 1) / kLanes;
  // Four vectors are two blocks of two, not of three and one.
  const int64_t taken = vectors == 4 ? 2 : std::min<int64_t>(vectors, kVectors);
  return {.query = first, .rows = std::min(left, taken * kLanes), .vectors = taken};
}

inline int64_t seen_keys(const Bf16Attention& a, int64_t end) {
  return a.causal ? std::clamp<int64_t>(end + a.past, 0, a.keys) : a.keys;
}

// A group of blocks of queries, the call's rows up to `end`; each block of keys meets all of them in turn.
inline void attend_group(const Steps (&steps)[kVectors], const Bf16Attention& a, const Block* blocks,
                         int64_t count, int64_t end, float* workspace) {
  const int64_t seen = seen_keys(a, blocks[count - 1].end());
  const int64_t last = std::max<int64_t>(0, seen - 1) / kBlock * kBlock;  // block of keys
  const auto room = [&](int64_t i) { return Room(workspace, a.head_size, a.value_size, i); };
  int64_t begin = 0;
  do {
    const int64_t next = std::min(begin + kBlock, seen), more = std::min(kBlock, seen - next);
    for (int64_t i = 0; i < count; ++i) {
      const Steps& of_block = steps[blocks[i].vectors - 1];
      const int64_t after = blocks[i].end(), until = std::min(seen_keys(a, after), next);
      Ahead ahead((until - begin) / kMostKeys);
      ahead.add(a.k, a.k_stride, next + more * i / count, next + more * (i + 1) / count, a.head_size);
      if (begin == last && a.part.o == nullptr)
        ahead.add(a.o, a.o_stride, blocks[i].query, after, a.value_size);
      if (begin == 0) {
        ahead.add(a.q, a.q_stride, after, std::min(after + kQueries, end), a.head_size);
        of_block.begin(a, room(i), blocks[i]);
      }
      if (begin < until) of_block.add_keys(a, room(i), blocks[i], begin, until, ahead);
    }
    begin = next;
  } while (begin < seen);
  for (int64_t i = 0; i < count; ++i) steps[blocks[i].vectors - 1].end(a, room(i), blocks[i]);
}

// Rows [first, first + rows) in groups.
inline void attend_rows(const Steps (&steps)[kVectors], const Bf16Attention& a, int64_t first, int64_t rows,
                        float* workspace) {
  const int64_t end = first + rows;
  while (first < end) {
    Block blocks[kGroup];
    int64_t count = 0;
    for (; count < kGroup && first < end; ++count) {
      blocks[count] = next_block(first, end);
      first += blocks[count].rows;
    }
    attend_group(steps, a, blocks, count, end, workspace);
  }
}

}  // namespace
}  // namespace linformer
HWY_POP_ATTRIBUTES
