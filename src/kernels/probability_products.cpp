// SPDX-License-Identifier: MIT
// Lanes are the rows of the result, queries for P and keys for Pᵀ; what they are multiplied with goes by as K
// and V do in fused_attention.cpp. Because each query's reference and sum are known, a score is a weight at
// once and nothing is rescaled. A score is the same sum in the same order whichever of the two factors lies
// in the lanes.
#include "kernels/probability_products.h"

#include <algorithm>
#include <cstring>
#include <limits>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/probability_products.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/fused_block-inl.h"
#include "kernels/probability_place-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using F64 = hn::ScalableTag<double>;
using F64s = hn::Vec<F64>;

void begin_block(const Sweep& s, const Place& place, const Block& block, int64_t width) {
  if (block.rows < kQueries) std::fill_n(place.lanes, s.head_size * kQueries, 0.0f);
  transpose(s.lanes + block.first * s.lane_stride, s.lane_stride, block.rows, s.head_size, place.lanes,
            kQueries);
  for (float* sums : {place.sums, place.totals}) std::fill_n(sums, width * kQueries, 0.0f);
  std::fill_n(place.columns, kSums * kQueries, 0.0);
  for (float* row : {place.shifts, place.factors}) std::fill_n(row, kQueries, 0.0f);
  if (s.transposed) return;
  std::copy_n(s.shifts + block.first, block.rows, place.shifts);
  std::copy_n(s.factors + block.first, block.rows, place.factors);
}

// Scores in rows at `to` become −inf where a key is after its query: of kTile others from `other` on, and of
// lanes from `first` on.
HWY_NOINLINE void HideLaterKeys(const Sweep& s, int64_t first, int64_t other, float* to) {
  const F32 d;
  const hn::RebindToSigned<F32> di;
  const F32s never = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (int r = 0; r < kTile; ++r, to += kQueries) {
    for (int i = 0; i < kVectors; ++i) {
      const int64_t lane = first + i * kLanes;
      const auto offset = hn::Set(di, static_cast<int32_t>(other + r - lane));  // of the other's index
      const auto lanes = hn::Iota(di, 0);
      const auto hidden = s.transposed ? hn::Gt(lanes, offset) : hn::Gt(offset, lanes);
      const F32s score = hn::Load(d, to + i * kLanes);
      hn::Store(hn::IfThenElse(hn::RebindMask(d, hidden), never, score), d, to + i * kLanes);
    }
  }
}

// Scores of others [begin, end), kBlock at most, to place.weights.
template <bool Transposed, bool Biased>
HWY_NOINLINE void Score(const Sweep& s, const Place& place, const Block& block, int64_t begin, int64_t end) {
  const F32 d;
  float* to = place.weights;
  for (int64_t j = begin; j < end; j += kTile, to += kTile * kQueries) {
    const int64_t valid = std::min<int64_t>(kTile, end - j);
    const float* others = s.others + j * s.other_stride;
    int64_t stride = s.other_stride;
    if (HWY_UNLIKELY(valid < kTile)) {
      for (int64_t r = 0; r < kTile; ++r) {
        std::memcpy(place.tile + r * s.head_size, others + std::min(r, valid - 1) * stride,
                    static_cast<size_t>(s.head_size) * sizeof(float));
      }
      others = place.tile, stride = s.head_size;
    }
    const float* const bias = Biased ? s.bias + block.first - j + s.other_count - 1 : nullptr;
    F32s scores[kTile][kVectors];
    multiply_keys<kVectors>(
        place.lanes, s.head_size, others, stride,
        [&](int r, int i) HWY_ATTR {
          const int64_t at = std::min<int64_t>(r, valid - 1);
          const F32s shift =
              Transposed ? hn::Set(d, s.shifts[j + at]) : hn::Load(d, place.shifts + i * kLanes);
          return Biased ? hn::Add(shift, hn::LoadU(d, bias - at + i * kLanes)) : shift;
        },
        scores);
    HWY_UNROLL(4) for (int r = 0; r < kTile; ++r) {
      HWY_UNROLL(4) for (int i = 0; i < kVectors; ++i) {
        hn::Store(scores[r][i], d, to + r * kQueries + i * kLanes);
      }
    }
    const bool some_later = Transposed ? j < block.first + block.rows - 1 : j + kTile > block.first + 1;
    if (HWY_UNLIKELY(s.causal && some_later)) HideLaterKeys(s, block.first, j, to);
  }
}

void score_others(const Sweep& s, const Place& place, const Block& block, int64_t begin, int64_t end) {
  if (s.transposed) {
    return s.bias == nullptr ? Score<true, false>(s, place, block, begin, end)
                             : Score<true, true>(s, place, block, begin, end);
  }
  return s.bias == nullptr ? Score<false, false>(s, place, block, begin, end)
                           : Score<false, true>(s, place, block, begin, end);
}

// Scores of `count` others from `begin` on in place.weights become entries of P.
template <bool Transposed>
HWY_NOINLINE void Exponentiate(const Sweep& s, const Place& place, int64_t begin, int64_t count) {
  const F32 d;
  float* at = place.weights;
  for (int64_t j = 0; j < count; ++j, at += kQueries) {
    HWY_UNROLL(4) for (int i = 0; i < kVectors; ++i) {
      const F32s factor =
          Transposed ? hn::Set(d, s.factors[begin + j]) : hn::Load(d, place.factors + i * kLanes);
      hn::Store(hn::Mul(factor, exp2_of(d, hn::Load(d, at + i * kLanes))), d, at + i * kLanes);
    }
  }
}

// Adds the entries in place.weights, whose logarithms but for the factor are in place.scores, to the block's
// statistics: a vector of f64 at a time, because vectors of f32 have twice as many lanes.
HWY_NOINLINE void AddColumns(const Place& place, int64_t count) {
  const F64 d;
  const hn::Rebind<float, F64> half;
  const auto least = hn::Set(d, -100.0);  // below it P is 0
  for (int64_t i = 0; i < kQueries; i += static_cast<int64_t>(hn::Lanes(d))) {
    F64s entries = hn::Zero(d), squares = hn::Zero(d), entropies = hn::Zero(d);
    for (int64_t j = 0; j < count; ++j) {
      const F64s entry = hn::PromoteTo(d, hn::LoadU(half, place.weights + j * kQueries + i));
      const F64s score = hn::PromoteTo(d, hn::LoadU(half, place.scores + j * kQueries + i));
      entries = hn::Add(entries, entry);
      squares = hn::MulAdd(entry, entry, squares);
      entropies = hn::NegMulAdd(entry, hn::Max(score, least), entropies);
    }
    double* to = place.columns + i;
    const auto add = [&](F64s sum) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(d, to), sum), d, to);
      to += kQueries;
    };
    add(entries), add(squares), add(entropies);
  }
}

// sums += (others' vectors)ᵀ weights over `count` others from `begin` on.
HWY_NOINLINE void AddProducts(const ProductVectors& x, const Place& place, int64_t begin, int64_t count) {
  const float* const in = x.in + begin * x.in_stride;
  int64_t c = 0;
  for (; c + kColumns <= x.width; c += kColumns) {
    add_columns<kColumns, kVectors>(in + c, x.in_stride, place.weights, count, false,
                                    place.sums + c * kQueries);
  }
  for (; c < x.width; ++c) {
    add_columns<1, kVectors>(in + c, x.in_stride, place.weights, count, false, place.sums + c * kQueries);
  }
}

// The sums join the totals, and begin again.
HWY_NOINLINE void AddToTotals(const Place& place, int64_t width) {
  const F32 d;
  for (int64_t i = 0; i < width * kQueries; i += kLanes) {
    hn::Store(hn::Add(hn::Load(d, place.totals + i), hn::Load(d, place.sums + i)), d, place.totals + i);
    hn::Store(hn::Zero(d), d, place.sums + i);
  }
}

void end_block(const Place& place, const Block& block, const ProductVectors& x, const ColumnSums* sums) {
  AddToTotals(place, x.width);
  transpose(place.totals, kQueries, x.width, block.rows, x.out + block.first * x.out_stride, x.out_stride);
  if (sums == nullptr) return;
  double* const to[kSums] = {sums->entries, sums->squares, sums->entropies};
  for (int64_t part = 0; part < kSums; ++part) {
    std::copy_n(place.columns + part * kQueries, block.rows, to[part] + block.first);
  }
}

// Each block of others meets all of a group of blocks of rows in turn, so that it comes from beyond the
// second-level cache once for all of them.
void run_group(const Sweep& s, const ProductVectors& x, const ColumnSums* sums, const Block* blocks,
               int64_t count, float* workspace) {
  const auto place_of = [&](int64_t i) { return Place(workspace, s.head_size, x.width, i); };
  for (int64_t i = 0; i < count; ++i) begin_block(s, place_of(i), blocks[i], x.width);
  const int64_t seen = blocks[count - 1].end;
  for (int64_t block = blocks[0].begin / kBlock * kBlock; block < seen; block += kBlock) {
    for (int64_t i = 0; i < count; ++i) {
      const Place place = place_of(i);
      const int64_t begin = std::max(block, blocks[i].begin), end = std::min(block + kBlock, blocks[i].end);
      if (begin >= end) continue;
      score_others(s, place, blocks[i], begin, end);
      if (sums != nullptr) std::copy_n(place.weights, (end - begin) * kQueries, place.scores);
      s.transposed ? Exponentiate<true>(s, place, begin, end - begin)
                   : Exponentiate<false>(s, place, begin, end - begin);
      if (sums != nullptr) AddColumns(place, end - begin);
      AddProducts(x, place, begin, end - begin);
    }
    if (block / kBlock % kSummed != kSummed - 1) continue;
    for (int64_t i = 0; i < count; ++i) AddToTotals(place_of(i), x.width);
  }
  for (int64_t i = 0; i < count; ++i) end_block(place_of(i), blocks[i], x, sums);
}

void run_rows(const Sweep& s, const ProductVectors& x, const ColumnSums* sums, int64_t first, int64_t rows,
              float* workspace) {
  const int64_t end = first + rows;
  while (first < end) {
    Block blocks[kGroup] = {};
    int64_t count = 0;
    for (; count < kGroup && first < end; ++count) {
      blocks[count] = block_at(s, first, std::min(kQueries, end - first));
      first += blocks[count].rows;
    }
    run_group(s, x, sums, blocks, count, workspace);
  }
}

int64_t Workspace(int64_t head_size, int64_t width) { return Place::floats(head_size, width); }

void Multiply(const ImplicitProbabilities& p, const ProductVectors& x, int64_t first, int64_t rows,
              float* workspace) {
  const Sweep sweep{.lanes = p.q,
                    .others = p.k,
                    .lane_stride = p.q_stride,
                    .other_stride = p.k_stride,
                    .head_size = p.head_size,
                    .other_count = p.keys,
                    .shifts = p.shifts,
                    .factors = p.factors,
                    .bias = p.bias_by_query,
                    .transposed = false,
                    .causal = p.causal};
  run_rows(sweep, x, nullptr, first, rows, workspace);
}

void MultiplyTransposed(const ImplicitProbabilities& p, const ProductVectors& x, const ColumnSums* sums,
                        int64_t first, int64_t rows, float* workspace) {
  const Sweep sweep{.lanes = p.k,
                    .others = p.q,
                    .lane_stride = p.k_stride,
                    .other_stride = p.q_stride,
                    .head_size = p.head_size,
                    .other_count = p.queries,
                    .shifts = p.shifts,
                    .factors = p.factors,
                    .bias = p.bias_by_key,
                    .transposed = true,
                    .causal = p.causal};
  run_rows(sweep, x, sums, first, rows, workspace);
}

// A sum of at most kBlock products, then a sum of these sums, of which a causal block has one more, and a sum
// of those.
int64_t Chain(int64_t terms) {
  const int64_t blocks = terms / kBlock + 2;
  return std::min(terms, kBlock) + std::min(blocks, kSummed) + blocks / kSummed + 1;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(Workspace);
HWY_EXPORT(Multiply);
HWY_EXPORT(MultiplyTransposed);
HWY_EXPORT(Chain);

int64_t probability_products_workspace(int64_t head_size, int64_t width) {
  return HWY_DYNAMIC_DISPATCH(Workspace)(head_size, width);
}

void multiply_probabilities(const ImplicitProbabilities& p, const ProductVectors& x, int64_t first,
                            int64_t rows, float* workspace) {
  HWY_DYNAMIC_DISPATCH(Multiply)(p, x, first, rows, workspace);
}

void multiply_transposed_probabilities(const ImplicitProbabilities& p, const ProductVectors& x,
                                       const ColumnSums* sums, int64_t first, int64_t rows,
                                       float* workspace) {
  HWY_DYNAMIC_DISPATCH(MultiplyTransposed)(p, x, sums, first, rows, workspace);
}

int64_t probability_chain(int64_t terms) { return HWY_DYNAMIC_DISPATCH(Chain)(terms); }

}  // namespace linformer
#endif
