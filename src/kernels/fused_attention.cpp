// SPDX-License-Identifier: MIT
// Lanes are queries: a block of them against four keys at a time, so that maxima, sums and scaling need no
// step across lanes, and K and V are read as they lie, an element at a time into all lanes. Scores go to a
// buffer of the first-level cache, where they become weights before they meet V. A query's reference for the
// exponentials is set by the first keys and moves only when a score of a block of keys is far above it ("lazy
// rescaling"), so that one pass is enough. Some keys at a time meet a group of such blocks one after another,
// so that K and V come from beyond the second-level cache once for all of them. The scheme is that of
// FlashAttention (Dao et al. 2022), turned by a quarter.
#include "kernels/fused_attention.h"

#include <algorithm>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fused_attention.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/fused_block-inl.h"
#include "kernels/fused_keys-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace {

int64_t Rows() { return kQueries; }

int64_t Workspace(int64_t head_size, int64_t value_size) { return Room::floats(head_size, value_size); }

// `rows` queries from `query` on, in `vectors` vectors.
struct Block {
  int64_t query, rows, vectors;

  int64_t end() const { return query + rows; }
};

// The keys that queries before `end` see are the first so many.
int64_t seen_keys(const FusedAttention& a, int64_t end) {
  return a.causal ? std::clamp<int64_t>(end + a.past, 0, a.keys) : a.keys;
}

void begin_block(const FusedAttention& a, const Room& room, const Block& block) {
  const int64_t lanes = block.vectors * kLanes;
  if (block.rows < lanes) std::fill_n(room.q, a.head_size * kQueries, 0.0f);
  transpose_scaled(a.q + block.query * a.q_stride, a.q_stride, block.rows, a.head_size, room.scale, room.q,
                   kQueries);
  std::fill_n(room.limit, lanes, kLowest);
  for (float* row : {room.shift, room.sum}) std::fill_n(row, lanes, 0.0f);
  if (seen_keys(a, block.end()) == 0) std::fill_n(room.o, a.value_size * kQueries, 0.0f);
}

void end_block(const FusedAttention& a, const Room& room, const Block& block) {
  if (a.part.sums != nullptr) std::copy_n(room.sum, block.rows, a.part.sums + block.query);
  if (a.part.shifts != nullptr) std::copy_n(room.shift, block.rows, a.part.shifts + block.query);
  if (a.part.o != nullptr) {
    float* const to = a.part.o + block.query * a.value_size;
    return transpose(room.o, kQueries, a.value_size, block.rows, to, a.value_size);
  }
  HWY_ALIGN float factors[kQueries];
  for (int64_t i = 0; i < block.rows; ++i) factors[i] = room.sum[i] == 0 ? 0.0f : 1 / room.sum[i];
  transpose_scaled(room.o, kQueries, a.value_size, block.rows, factors, a.o + block.query * a.o_stride,
                   a.o_stride);
}

Block next_block(int64_t first, int64_t end) {
  const int64_t left = end - first, vectors = (left + kLanes - 1) / kLanes;
  // Four vectors are two blocks of two, not of three and one.
  const int64_t taken = vectors == 4 ? 2 : std::min<int64_t>(vectors, kVectors);
  return {.query = first, .rows = std::min(left, taken * kLanes), .vectors = taken};
}

// Keys [begin, begin + kBlock) for a block of queries, as far as it sees them.
void add_block_of_keys(const FusedAttention& a, const Room& room, const Block& block, int64_t begin,
                       Ahead& ahead) {
  const int64_t end = std::min(seen_keys(a, block.end()), begin + kBlock);
  if (begin >= end) return;
  if (block.vectors == 3) add_keys<3>(a, room, block.query, begin, end, ahead);
  if (block.vectors == 2) add_keys<2>(a, room, block.query, begin, end, ahead);
  if (block.vectors == 1) add_keys<1>(a, room, block.query, begin, end, ahead);
}

// A group of blocks of queries, the call's rows up to `end`; each block of keys meets all of them in turn.
void attend_group(const FusedAttention& a, const Block* blocks, int64_t count, int64_t end,
                  float* workspace) {
  const int64_t seen = seen_keys(a, blocks[count - 1].end());
  const int64_t late = std::max<int64_t>(0, (seen - 1) / kBlock - 1);  // the last block of keys but one
  const auto room_of = [&](int64_t i) { return Room(workspace, a.head_size, a.value_size, i); };
  int64_t begin = 0;
  do {
    const int64_t next = std::min(begin + kBlock, seen), more = std::min(kBlock, seen - next);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t after = blocks[i].end();
      const int64_t from = next + more * i / count, to = next + more * (i + 1) / count;
      Ahead ahead((std::min(seen_keys(a, after), next) - begin + kTile - 1) / kTile);
      ahead.add(a.k, a.k_stride, from, to, a.head_size);
      ahead.add(a.v, a.v_stride, from, to, a.value_size);
      if (begin == late * kBlock && a.part.o == nullptr)
        ahead.add(a.o, a.o_stride, blocks[i].query, after, a.value_size);
      if (begin == 0) {
        ahead.add(a.q, a.q_stride, after, std::min(after + kQueries, end), a.head_size);
        begin_block(a, room_of(i), blocks[i]);
      }
      add_block_of_keys(a, room_of(i), blocks[i], begin, ahead);
    }
    begin = next;
  } while (begin < seen);
  for (int64_t i = 0; i < count; ++i) end_block(a, room_of(i), blocks[i]);
}

void Attend(const FusedAttention& a, int64_t first, int64_t rows, float* workspace) {
  std::fill_n(Room(workspace, a.head_size, a.value_size, 0).scale, a.head_size, a.scale * kLog2e);
  const int64_t end = first + rows;
  while (first < end) {
    Block blocks[kGroup];
    int64_t count = 0;
    for (; count < kGroup && first < end; ++count) {
      blocks[count] = next_block(first, end);
      first += blocks[count].rows;
    }
    attend_group(a, blocks, count, end, workspace);
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
