// SPDX-License-Identifier: MIT
#include "attention/bf16_slots.h"

#include <algorithm>

#include "base/stride.h"
#include "base/threads.h"
#include "kernels/bf16_pairs.h"
#include "kernels/bf16_product.h"

namespace linformer {
namespace {

constexpr int64_t kRows = 256;  // of the input that meet the weights at a time: their pairs stay in the cache

int64_t pairs_floats(int64_t d) { return whole_lines(pairs_of(kRows) * d); }

int64_t thread_floats(const SlotWeights& w, int64_t d) { return pairs_floats(d) + whole_lines(w.k * d); }

const uint16_t* bits(const Bf16* x) { return &x->bits; }

// Rows that are masked become zeros, whatever is there.
void clear_masked(const float* mask, int64_t rows, int64_t cols, uint32_t* pairs) {
  for (int64_t i = 0; i < rows; ++i) {
    if (mask[i] == 0) continue;
    const uint32_t other = i % 2 == 0 ? 0xffff0000u : 0xffffu;
    uint32_t* const row = pairs + i / 2 * cols;
    std::for_each(row, row + cols, [&](uint32_t& x) { x &= other; });
  }
}

// sums [slots, d] = E X for so many rows of E, e_stride pairs apart.
void multiply(const uint32_t* e, int64_t e_stride, int64_t slots, MatrixView<const Bf16> x, const float* mask,
              uint32_t* pairs, float* sums) {
  for (int64_t first = 0; first == 0 || first < x.rows; first += kRows) {
    const int64_t rows = std::min(kRows, x.rows - first);
    pair_rows(bits(x.row(first)), x.stride, rows, x.cols, pairs);
    if (mask != nullptr) clear_masked(mask + first, rows, x.cols, pairs);
    bf16_product({.a = e + first / 2,
                  .b = pairs,
                  .out = sums,
                  .a_stride = e_stride,
                  .b_stride = x.cols,
                  .out_stride = x.cols,
                  .rows = slots,
                  .pairs = pairs_of(rows),
                  .cols = x.cols,
                  .add = first > 0,
                  .coming = first + rows < x.rows ? bits(x.row(first + rows)) : nullptr,
                  .coming_stride = x.stride,
                  .coming_rows = std::min(kRows, x.rows - first - rows),
                  .coming_cols = x.cols});
  }
}

}  // namespace

int64_t Bf16Weights::bytes(const SlotWeights& w) {
  return line_bytes<uint32_t>(w.weight.rows * pairs_of(w.weight.cols));
}

const uint32_t* Bf16Weights::of(const SlotWeights& w, Run& run) {
  if (pairs_.size() > 0) return pairs_.data();
  const int64_t cols = w.weight.cols, pairs = pairs_of(cols);
  pairs_.reserve(run.memory, bytes(w) / int64_t{sizeof(uint32_t)}, "weights in bf16");
  parallel_for(run.threads, w.weight.rows, [&](int64_t i, int) {
    auto* const row = reinterpret_cast<uint16_t*>(pairs_.data() + i * pairs);
    if (cols % 2 != 0) row[cols] = 0;
    round_row(w.weight.row(i), cols, 1, row);
  });
  return pairs_.data();
}

int64_t bf16_slots_bytes(const SlotWeights& w, int64_t d, int threads) {
  return threads * thread_floats(w, d) * static_cast<int64_t>(sizeof(float));
}

void bf16_slots(const SlotWeights& w, const uint32_t* rounded, HeadsView<const Bf16> in,
                MatrixView<const float> key_mask, HeadsView<Bf16> out, std::span<std::byte> workspace,
                Run& run) {
  const int64_t d = in.cols, stride = pairs_of(w.weight.cols), groups = w.weight.rows / w.k;
  float* const rooms = reinterpret_cast<float*>(workspace.data());
  const int64_t part = task_slots(w, out.heads), parts = (w.k + part - 1) / part;
  parallel_for(run.threads, out.batch * out.heads * parts, [&](int64_t task, int thread) {
    const int64_t b = task / parts / out.heads, head = task / parts % out.heads;
    const int64_t group = head / (out.heads / groups), first = task % parts * part;
    const int64_t rows = std::min(part, w.k - first);
    float* const room = rooms + thread * thread_floats(w, d);
    float* const sums = room + pairs_floats(d);
    multiply(rounded + (group * w.k + first) * stride, stride, rows,
             in.matrix(b, head / (out.heads / in.heads)),
             key_mask.data == nullptr ? nullptr : key_mask.row(b), reinterpret_cast<uint32_t*>(room), sums);
    const MatrixView<Bf16> slots = out.matrix(b, head);
    for (int64_t i = 0; i < rows; ++i) round_row(sums + i * d, d, w.factor, &slots.row(first + i)->bits);
  });
}

}  // namespace linformer
