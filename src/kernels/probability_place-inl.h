// SPDX-License-Identifier: MIT
// How products with probabilities go through P, and where a block of rows is worked on. To be included once
// per instruction set.
#if defined(LINFORMER_KERNELS_PROBABILITY_PLACE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LINFORMER_KERNELS_PROBABILITY_PLACE_INL_H_
#undef LINFORMER_KERNELS_PROBABILITY_PLACE_INL_H_
#else
#define LINFORMER_KERNELS_PROBABILITY_PLACE_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "base/stride.h"
#include "kernels/fused_block-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace {

constexpr int64_t kSums = 3;  // entries, squares, entropies
// Blocks of others whose products are summed before the sum joins the total: so that no term passes through
// many roundings, however many others there are.
constexpr int64_t kSummed = 16;

// One of the two ways to go through P. A row of the result is a lane; `others` go by.
struct Sweep {
  const float* lanes;   // [.., head_size]
  const float* others;  // [.., head_size]
  int64_t lane_stride, other_stride, head_size;
  int64_t other_count;
  const float* shifts;   // of queries
  const float* factors;  // of queries
  const float* bias;     // of lane and other: element lane − other + other_count − 1; may be null
  bool transposed, causal;
};

// The workspace: of each block of a group statistics in f64, lane vectors and sums in f32; what all share.
struct Place {
  double* columns;  // [kSums, kQueries]
  float* lanes;     // [head_size, kQueries]
  float* sums;      // [width, kQueries]: of the last few blocks of others
  float* totals;    // [width, kQueries]: of those before
  float* shifts;    // [kQueries], of queries in the lanes
  float* factors;   // [kQueries], of queries in the lanes
  float* weights;   // [kBlock, kQueries]: scores, then entries of P
  float* scores;    // [kBlock, kQueries]: as they were, where they are asked for
  float* tile;      // [kTile, head_size]: the others of the last, shorter tile

  Place(float* at, int64_t head_size, int64_t width, int64_t block)
      : columns(reinterpret_cast<double*>(at) + block * kSums * kQueries),
        lanes(at + kGroup * kColumnFloats + block * own_floats(head_size, width)),
        sums(lanes + head_size * kQueries),
        totals(sums + width * kQueries),
        shifts(totals + width * kQueries),
        factors(shifts + kQueries),
        weights(at + kGroup * (kColumnFloats + own_floats(head_size, width))),
        scores(weights + kBlock * kQueries),
        tile(scores + kBlock * kQueries) {}

  static int64_t floats(int64_t head_size, int64_t width) {
    return kGroup * (kColumnFloats + own_floats(head_size, width)) + 2 * kBlock * kQueries +
           whole_lines(kTile * head_size);
  }

 private:
  static constexpr int64_t kColumnFloats = 2 * kSums * kQueries;  // two f32 are the size of an f64
  static int64_t own_floats(int64_t head_size, int64_t width) {
    return (head_size + 2 * width + 2) * kQueries;
  }
};

// Rows [first, first + rows) of the result, kQueries at most, and the others that they meet.
struct Block {
  int64_t first, rows, begin, end;
};

Block block_at(const Sweep& s, int64_t first, int64_t rows) {
  Block block{first, rows, 0, s.other_count};
  if (s.causal && s.transposed) block.begin = std::min(first, s.other_count);
  if (s.causal && !s.transposed) block.end = std::min(s.other_count, first + rows);
  return block;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
