// SPDX-License-Identifier: MIT
#include "attention/slot_projection.h"

#include <algorithm>
#include <limits>

#include "attention/slot_pooling.h"
#include "base/stride.h"
#include "base/threads.h"
#include "kernels/slot_product.h"

namespace linformer {
namespace {

using Kind = SlotWeights::Kind;

// What a thread copies or adds in, for each kind.
int64_t room_floats(const SlotWeights& w, int64_t d) {
  switch (w.kind) {
    case Kind::kMatrix:
      return whole_lines(kSlotProductBlock * d);
    case Kind::kConvolution:
      return whole_lines(w.k * w.weight.cols);
    case Kind::kMeanPooling:
      return whole_lines(d);
    case Kind::kMaxPooling:
      break;
  }
  return 0;
}

// The gathered rows times the kernels.
Product::Sizes convolution_sizes(const SlotWeights& w, int64_t d, int64_t out_stride) {
  const int64_t length = w.weight.cols;
  return {.m = w.k,
          .n = d,
          .k = length,
          .a_stride = length,
          .b_stride = w.weight.stride,
          .c_stride = out_stride,
          .b_transposed = true};
}

int64_t scratch_bytes(const SlotWeights& w, int64_t d) {
  if (w.kind != Kind::kConvolution || w.weight.cols == 0 || d == 0) return 0;
  return Product::scratch_bytes(convolution_sizes(w, d, d));
}

// Slots of one head of one sequence, and what a thread has to itself.
struct Task {
  const SlotWeights& w;
  int64_t group, first;  ///< first: of the slots
  MatrixView<const float> in;
  const float* mask;  ///< [n]; null: none
  MatrixView<float> out;
  ProductCache& products;
  float* room;
  std::span<std::byte> scratch;
  MemoryAccount& memory;

  bool counts(int64_t position) const {
    return position < in.rows && (mask == nullptr || mask[position] == 0);
  }
};

// [k, d · c]: the c rows of a slot side by side, as the kernel has them; zeros for what does not count.
void gather(const Task& t, int64_t c) {
  const int64_t d = t.in.cols;
  for (int64_t slot = 0; slot < t.w.k; ++slot) {
    for (int64_t place = 0; place < c; ++place) {
      const int64_t position = slot * c + place;
      float* const out = t.room + slot * d * c + place;
      const float* const row = t.counts(position) ? t.in.row(position) : nullptr;
      for (int64_t i = 0; i < d; ++i) out[i * c] = row == nullptr ? 0.0f : row[i];
    }
  }
}

void convolve(const Task& t) {
  const int64_t d = t.in.cols;
  gather(t, t.w.weight.cols / d);
  t.products.run(convolution_sizes(t.w, d, t.out.stride), t.room, t.w.weight.row(t.group * d), t.out.data,
                 t.scratch, t.memory);
}

// Columns [first, first + in.rows) of E times `in`, added where they are not the first.
void multiply(const Task& t, int64_t first, MatrixView<const float> in) {
  slot_product({.e = t.w.weight.row(t.group * t.w.k + t.first) + first,
                .x = in.data,
                .out = t.out.data,
                .e_stride = t.w.weight.stride,
                .x_stride = in.stride,
                .out_stride = t.out.stride,
                .slots = t.out.rows,
                .n = in.rows,
                .cols = in.cols,
                .add = first > 0});
}

// E times `in`, of which rows that do not count are zeros: copies of a block of them at a time, since what is
// masked may be anything, NaN too.
void multiply_masked(const Task& t) {
  const int64_t d = t.in.cols;
  for (int64_t first = 0; first == 0 || first < t.in.rows; first += kSlotProductBlock) {
    const MatrixView<float> rows{t.room, std::min(kSlotProductBlock, t.in.rows - first), d, d};
    for (int64_t j = 0; j < rows.rows; ++j) {
      if (t.counts(first + j)) {
        std::copy_n(t.in.row(first + j), d, rows.row(j));
      } else {
        std::fill_n(rows.row(j), d, 0.0f);
      }
    }
    multiply(t, first, rows);
  }
}

void project(const Task& t) {
  switch (t.w.kind) {
    case Kind::kMatrix:
      return t.mask == nullptr ? multiply(t, 0, t.in) : multiply_masked(t);
    case Kind::kConvolution:
      return convolve(t);
    case Kind::kMeanPooling:
      return mean_windows(t.w, t.in, t.mask, t.room, t.out);
    case Kind::kMaxPooling:
      return max_windows(t.w, t.in, t.mask, t.out);
  }
}

void add_bias(const Task& t) {
  const bool of_elements = t.w.kind == Kind::kConvolution;
  const float* const bias = t.w.bias + t.group * (of_elements ? t.in.cols : t.w.k);
  for (int64_t i = 0; i < t.out.rows; ++i) {
    float* const row = t.out.row(i);
    for (int64_t c = 0; c < t.out.cols; ++c) row[c] += bias[of_elements ? c : t.first + i];
  }
}

// Heads of one set of weights.
int64_t groups_of(const SlotWeights& w, int64_t d) {
  return std::max<int64_t>(1, w.weight.rows / (w.kind == Kind::kConvolution ? d : w.k));
}

}  // namespace

int64_t task_slots(const SlotWeights& w, int64_t heads) {
  constexpr int64_t kManyHeads = 8, kPart = 64;
  return w.kind == Kind::kMatrix && heads < kManyHeads ? std::min(w.k, kPart) : w.k;
}

Window window_of(const SlotWeights& w, int64_t d, int64_t i) {
  if (w.kind == Kind::kMatrix) return {0, w.weight.cols};
  if (w.kind == Kind::kConvolution) return {i * (w.weight.cols / d), (i + 1) * (w.weight.cols / d)};
  return {i * w.n / w.k, (i + 1) * w.n / w.k};
}

void mask_slots(const SlotWeights& w, int64_t d, int64_t n, MatrixView<const float> key_mask,
                MatrixView<float> out) {
  for (int64_t b = 0; b < out.rows; ++b) {
    const float* const mask = key_mask.data == nullptr ? nullptr : key_mask.row(b);
    for (int64_t i = 0; i < w.k; ++i) {
      const Window window = window_of(w, d, i);
      int64_t j = window.begin;
      while (j < std::min(window.end, n) && mask != nullptr && mask[j] != 0) ++j;
      out.row(b)[i] = j < std::min(window.end, n) ? 0.0f : -std::numeric_limits<float>::infinity();
    }
  }
}

int64_t SlotProjection::workspace_bytes(const SlotWeights& w, int64_t d, int threads) {
  return threads * (room_floats(w, d) * static_cast<int64_t>(sizeof(float)) + scratch_bytes(w, d));
}

void SlotProjection::run(const SlotWeights& w, HeadsView<const float> in, MatrixView<const float> key_mask,
                         HeadsView<float> out, std::span<std::byte> workspace, Run& run) {
  products_.resize(std::max(products_.size(), static_cast<size_t>(run.threads)));
  const auto room = static_cast<size_t>(room_floats(w, in.cols)) * sizeof(float);
  const auto scratch = static_cast<size_t>(scratch_bytes(w, in.cols));
  const int64_t groups = groups_of(w, in.cols);
  const int64_t slots = task_slots(w, out.heads), parts = (w.k + slots - 1) / slots;
  parallel_for(run.threads, out.batch * out.heads * parts, [&](int64_t index, int number) {
    const auto thread = static_cast<size_t>(number);
    const int64_t b = index / parts / out.heads, head = index / parts % out.heads;
    const int64_t first = index % parts * slots;
    const MatrixView<float> all = out.matrix(b, head);
    const std::span<std::byte> own = workspace.subspan(thread * (room + scratch), room + scratch);
    const Task task{.w = w,
                    .group = head / (out.heads / groups),
                    .first = first,
                    .in = in.matrix(b, head / (out.heads / in.heads)),
                    .mask = key_mask.data == nullptr ? nullptr : key_mask.row(b),
                    .out = {all.row(first), std::min(slots, w.k - first), all.cols, all.stride},
                    .products = products_[thread],
                    .room = reinterpret_cast<float*>(own.data()),
                    .scratch = own.subspan(room),
                    .memory = run.memory};
    project(task);
    for (int64_t i = 0; i < task.out.rows && w.factor != 1; ++i) {
      float* const row = task.out.row(i);
      std::for_each(row, row + task.out.cols, [&](float& x) { x *= w.factor; });
    }
    if (w.bias != nullptr) add_bias(task);
  });
}

}  // namespace linformer
