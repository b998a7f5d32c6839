// SPDX-License-Identifier: MIT
#include "kernels/bf16_steps.h"

#if HWY_ARCH_X86_64

#include "kernels/bf16_tiles-inl.h"
//
#include "kernels/bf16_block-inl.h"

HWY_PUSH_ATTRIBUTES(LINFORMER_BF16_TARGET)
namespace linformer {
namespace {

constexpr int kTile = 16;              // keys whose scores are computed together
constexpr int64_t kTileElements = 32;  // of bf16 in a row of a tile
static_assert(kTile <= kMostKeys);

constexpr int64_t whole_tiles(int64_t count) { return whole16(count); }
constexpr int64_t whole32(int64_t count) { return (count + 31) / 32 * 32; }

// Vᵀ is in tiles of 16 of its rows and 32 keys, one after the other, those of the same keys together. Its
// rows are one more than V has columns: ones, so that the sums of the weights come with O.
constexpr int64_t kValueTile = kLanes * kTileElements;
constexpr int64_t values_rows(int64_t value_size) { return whole16(value_size + 1); }

// Keys j .. j + kTile of those before `end`.
struct Tile {
  const uint16_t* k;
  int64_t stride, valid;
};

// A copy where the last key, or the last tile of its elements, would be read beyond.
HWY_INLINE Tile tile_of(const Bf16Attention& a, const Room& room, int64_t j, int64_t end) {
  const uint16_t* const k = a.k + j * a.k_stride;
  if (HWY_LIKELY(j + kTile <= end && a.head_size % kTileElements == 0)) return {k, a.k_stride, kTile};
  const int64_t stride = whole32(a.head_size), valid = std::min<int64_t>(kTile, end - j);
  for (int64_t r = 0; r < kTile; ++r) {
    uint16_t* const row = room.k + r * stride;
    std::copy_n(k + std::min(r, valid - 1) * a.k_stride, a.head_size, row);
    std::fill(row + a.head_size, row + stride, uint16_t{0});
  }
  return {room.k, stride, valid};
}

constexpr int64_t kRow = kQueries * 4;  // bytes

// Tiles 0 .. NV += the tile at `left`, rows `stride` bytes apart, times NV tiles side by side at `right`.
template <int NV>
HWY_INLINE void add_products(const uint16_t* left, int64_t stride, const uint32_t* right) {
  _tile_loadd(6, left, stride);
  _tile_loadd(3, right, kRow);
  _tile_dpbf16ps(0, 6, 3);
  if constexpr (NV > 1) {
    _tile_loadd(4, right + kLanes, kRow);
    _tile_dpbf16ps(1, 6, 4);
  }
  if constexpr (NV > 2) {
    _tile_loadd(5, right + 2 * kLanes, kRow);
    _tile_dpbf16ps(2, 6, 5);
  }
}

// Tiles 0 .. NV, side by side.
template <int NV>
HWY_INLINE void store_sums(float* to) {
  _tile_stored(0, to, kRow);
  if constexpr (NV > 1) _tile_stored(1, to + kLanes, kRow);
  if constexpr (NV > 2) _tile_stored(2, to + 2 * kLanes, kRow);
}

// scores [kTile, NV vectors] of the products of kTile rows of K and of queries.
template <int NV>
HWY_INLINE void multiply_keys(const uint32_t* q, int64_t head_size, const Tile& tile, float* scores) {
  finish_writing();
  _tile_zero(0);
  if constexpr (NV > 1) _tile_zero(1);
  if constexpr (NV > 2) _tile_zero(2);
  for (int64_t c = 0; c < head_size; c += kTileElements, q += kTileElements / 2 * kQueries) {
    add_products<NV>(tile.k + c, tile.stride * 2, q);
  }
  store_sums<NV>(scores);
}

// The weights of keys [begin, end), which are in room.p, meet V. `begin` is the first of a tile of Vᵀ.
template <int NV>
HWY_NOINLINE void flush(const Bf16Attention& a, const Room& room, int64_t begin, int64_t end) {
  if (begin == end) return;
  const int64_t count = whole32(end - begin), rows = values_rows(a.value_size);
  uint32_t* const rest = room.p + (end - begin + 1) / 2 * kQueries;
  std::fill(rest, room.p + count / 2 * kQueries, 0u);
  finish_writing();
  const uint16_t* v = static_cast<const uint16_t*>(a.v) + begin * rows;
  for (int64_t c = 0; c < rows; c += kLanes, v += kValueTile) {
    float* const o = room.o + c * kQueries;
    _tile_loadd(0, o, kRow);
    if constexpr (NV > 1) _tile_loadd(1, o + kLanes, kRow);
    if constexpr (NV > 2) _tile_loadd(2, o + 2 * kLanes, kRow);
    for (int64_t j = 0; j < count; j += kTileElements) {
      add_products<NV>(v + j * rows, kTileElements * 2, room.p + j / 2 * kQueries);
    }
    store_sums<NV>(o);
  }
}

using Scores = __m512[kTile][1];

// The tile's scores of vector i of queries, from their products, shifted and biased. Returns the largest.
HWY_INLINE __m512 shifted(const Bf16Attention& a, const Room& room, const float* products, int i,
                          int64_t query, int64_t j, int64_t valid, Scores& scores) {
  const __m512 scale = _mm512_set1_ps(a.scale * kLog2e), shift = _mm512_load_ps(room.shift + i * kLanes);
  HWY_UNROLL(16) for (int r = 0; r < kTile; ++r) {
    scores[r][0] = _mm512_fmadd_ps(_mm512_load_ps(products + r * kQueries + i * kLanes), scale, shift);
  }
  const int64_t first = query + i * kLanes;
  if (are_biased(a, first, j, kTile, valid)) add_biases(a, first, j, valid, scores);
  __m512 most[4];
  HWY_UNROLL(4) for (int r = 0; r < 4; ++r) {
    most[r] = _mm512_max_ps(_mm512_max_ps(scores[r][0], scores[r + 4][0]),
                            _mm512_max_ps(scores[r + 8][0], scores[r + 12][0]));
  }
  return _mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3]));
}

// Weights in p of keys j .. j + kTile, `valid` of which there are, for the vectors of queries from `Dead` on.
// Where `Limited`, false if a score is above its limit: what is in p then is not yet right. Else the shifts
// are those of these very scores, and what is above is rounding: of scores so large that it is more than the
// limit.
template <int NV, int Dead, bool Limited>
HWY_INLINE bool weigh(const Bf16Attention& a, const Room& room, const float* products, int64_t query,
                      int64_t j, int64_t valid, uint32_t* p) {
  HWY_UNROLL(3) for (int i = 0; i < NV; ++i) {
    uint32_t* const to = p + i * kLanes;
    if (i < Dead) {
      for (int r = 0; r < kTile / 2; ++r) _mm512_store_si512(to + r * kQueries, _mm512_setzero_si512());
      continue;
    }
    Scores scores;
    const __m512 most = shifted(a, room, products, i, query, j, valid, scores);
    const __m512 limit = _mm512_load_ps(room.limit + i * kLanes);
    if constexpr (Limited) {
      if (HWY_UNLIKELY(_mm512_cmp_ps_mask(most, limit, _CMP_GT_OQ) != 0)) return false;
    } else {
      HWY_UNROLL(16) for (int r = 0; r < kTile; ++r) scores[r][0] = _mm512_min_ps(limit, scores[r][0]);
    }
    HWY_UNROLL(8) for (int r = 0; r < kTile; r += 2) {
      const __m512i pair = pair_of(exp2_of(scores[r][0]), exp2_of(scores[r + 1][0]));
      _mm512_store_si512(to + r / 2 * kQueries, pair);
    }
  }
  return true;
}

// Moves the shifts of the vectors of queries from `Dead` on as the tile's scores ask for.
template <int NV, int Dead>
HWY_NOINLINE void raise(const Bf16Attention& a, const Room& room, const float* products, int64_t query,
                        int64_t j, int64_t valid) {
  for (int i = Dead; i < NV; ++i) {
    Scores scores;
    raise_shift(a, room, i, shifted(a, room, products, i, query, j, valid, scores));
  }
}

// The keys that meet a block of queries, tile by tile: the next tile's scores are on their way while those
// before become weights.
template <int NV>
class Keys {
 public:
  Keys(const Bf16Attention& a, const Room& room, int64_t query, int64_t begin, int64_t end, Ahead& ahead)
      : a_(a), room_(room), ahead_(ahead), query_(query), end_(end), at_(begin), pending_(begin) {
    multiply(begin);
  }

  // Tiles before `end`, for vectors of queries from `Dead` on; those before see none of them.
  template <int Dead>
  HWY_INLINE void weigh_until(int64_t end) {
    for (; at_ < end; at_ += kTile) {
      ahead_.request();
      const float* const products = products_of(at_);
      const int64_t valid = std::min<int64_t>(kTile, end_ - at_);
      if (at_ + kTile < end_) multiply(at_ + kTile);
      if (weigh<NV, Dead, true>(a_, room_, products, query_, at_, valid, weights())) continue;
      flush<NV>(a_, room_, pending_, at_);
      pending_ = at_ / kTileElements * kTileElements;
      std::fill(room_.p, weights(), 0u);  // of keys that have met V
      raise<NV, Dead>(a_, room_, products, query_, at_, valid);
      weigh<NV, Dead, false>(a_, room_, products, query_, at_, valid, weights());
    }
  }

  void finish() const { flush<NV>(a_, room_, pending_, end_); }

 private:
  float* products_of(int64_t j) const { return room_.scores + j / kTile % 2 * kTile * kQueries; }
  uint32_t* weights() const { return room_.p + (at_ - pending_) / 2 * kQueries; }
  HWY_INLINE void multiply(int64_t j) const {
    multiply_keys<NV>(room_.q, a_.head_size, tile_of(a_, room_, j, end_), products_of(j));
  }

  const Bf16Attention& a_;
  const Room& room_;
  Ahead& ahead_;
  int64_t query_, end_;
  int64_t at_, pending_;  // pending: the first key whose weights are in room.p
};

// For a block of NV vectors of queries. Where causal, the tiles after a vector's last query leave it out.
template <int NV>
HWY_NOINLINE void add_keys(const Bf16Attention& a, const Room& room, const Block& block, int64_t begin,
                           int64_t end, Ahead& ahead) {
  Keys<NV> keys(a, room, block.query, begin, end, ahead);
  const int64_t first = a.causal && NV > 1 ? std::min(end, whole_tiles(block.query + a.past + kLanes)) : end;
  const int64_t second =
      a.causal && NV > 2 ? std::min(end, whole_tiles(block.query + a.past + 2 * kLanes)) : end;
  keys.template weigh_until<0>(first);
  if constexpr (NV > 1) keys.template weigh_until<1>(second);
  if constexpr (NV > 2) keys.template weigh_until<2>(end);
  keys.finish();
}

// 16 columns of a row of V, of which `there` are, in lanes of their own; 1 in lane `one`.
HWY_INLINE __m512i lanes_of_row(const uint16_t* v, __mmask16 there, __mmask16 one) {
  return _mm512_mask_mov_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(there, v)), one,
                               _mm512_set1_epi32(0x3f80));
}

// Of a block to whose O and sums tiles are added.
template <int NV>
HWY_NOINLINE void begin_block_and_sums(const Bf16Attention& a, const Room& room, const Block& block) {
  begin_block<NV>(a, room, block);
  std::fill_n(room.o, whole16(a.value_size + 1) * kQueries, 0.0f);
}

constexpr Steps kSteps[kVectors] = {{begin_block_and_sums<1>, add_keys<1>, end_block<1>},
                                    {begin_block_and_sums<2>, add_keys<2>, end_block<2>},
                                    {begin_block_and_sums<3>, add_keys<3>, end_block<3>}};

}  // namespace

int64_t bf16_tile_values_floats(int64_t keys, int64_t value_size) {
  return whole32(keys) * values_rows(value_size) / 2;
}

void bf16_tile_values(const uint16_t* v, int64_t stride, int64_t keys, int64_t value_size, void* out) {
  auto* to = static_cast<uint16_t*>(out);
  for (int64_t j = 0; j < keys; j += kTileElements) {
    for (int64_t c = 0; c < values_rows(value_size); c += kLanes, to += kValueTile) {
      const __mmask16 there = first_lanes(std::clamp<int64_t>(value_size - c, 0, kLanes));
      const auto one = static_cast<__mmask16>(value_size - c < kLanes ? uint32_t{1} << (value_size - c) : 0);
      __m512i rows[kLanes];  // pairs of keys
      HWY_UNROLL(16) for (int i = 0; i < kLanes; ++i) {
        const int64_t key = j + 2 * i;
        rows[i] = _mm512_setzero_si512();
        if (key < keys) rows[i] = lanes_of_row(v + key * stride + c, there, one);
        if (key + 1 >= keys) continue;
        const __m512i odd = lanes_of_row(v + (key + 1) * stride + c, there, one);
        rows[i] = _mm512_or_si512(rows[i], _mm512_slli_epi32(odd, 16));
      }
      transpose(rows);
      HWY_UNROLL(16) for (int i = 0; i < kLanes; ++i) _mm512_store_si512(to + i * kTileElements, rows[i]);
    }
  }
}

void bf16_tile_attention(const Bf16Attention& call, int64_t first, int64_t rows, float* workspace) {
  const TilesInUse tiles;
  attend_rows(kSteps, call, first, rows, workspace);
}

}  // namespace linformer
HWY_POP_ATTRIBUTES

#endif
