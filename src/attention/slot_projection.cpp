// SPDX-License-Identifier: MIT
#include "attention/slot_projection.h"

#include <algorithm>

#include "base/threads.h"

namespace linformer {
namespace {

constexpr int64_t kLine = 16;  // floats

// What a thread needs to lay out a convolution's input; a matrix needs nothing.
int64_t gathered_floats(const SlotWeights& w) {
  return w.convolution ? (w.k * w.weight.cols + kLine - 1) / kLine * kLine : 0;
}

// [k, d · c]: the c rows of a slot side by side, as the kernel has them.
void gather(MatrixView<const float> in, int64_t k, int64_t c, float* out) {
  for (int64_t slot = 0; slot < k; ++slot) {
    for (int64_t t = 0; t < c; ++t) {
      const float* const row = in.row(slot * c + t);
      for (int64_t i = 0; i < in.cols; ++i) out[(slot * in.cols + i) * c + t] = row[i];
    }
  }
}

void project(const SlotWeights& w, int64_t group, MatrixView<const float> in, MatrixView<float> out,
             ProductCache& products, MemoryAccount& memory) {
  products.run({.m = w.k,
                .n = in.cols,
                .k = in.rows,
                .a_stride = w.weight.stride,
                .b_stride = in.stride,
                .c_stride = out.stride,
                .b_transposed = false},
               w.weight.row(group * w.k), in.data, out.data, memory);
  for (int64_t i = 0; i < w.k && w.bias != nullptr; ++i) {
    const float bias = w.bias[group * w.k + i];
    std::for_each(out.row(i), out.row(i) + out.cols, [=](float& x) { x += bias; });
  }
}

void convolve(const SlotWeights& w, int64_t group, MatrixView<const float> in, MatrixView<float> out,
              float* gathered, ProductCache& products, MemoryAccount& memory) {
  const int64_t d = in.cols, length = w.weight.cols;
  gather(in, w.k, length / d, gathered);
  products.run({.m = w.k,
                .n = d,
                .k = length,
                .a_stride = length,
                .b_stride = w.weight.stride,
                .c_stride = out.stride,
                .b_transposed = true},
               gathered, w.weight.row(group * d), out.data, memory);
  for (int64_t i = 0; i < w.k && w.bias != nullptr; ++i) {
    const float* const bias = w.bias + group * d;
    std::transform(out.row(i), out.row(i) + d, bias, out.row(i), [](float x, float b) { return x + b; });
  }
}

}  // namespace

int64_t SlotProjection::workspace_bytes(const SlotWeights& w, int threads) {
  return threads * gathered_floats(w) * static_cast<int64_t>(sizeof(float));
}

void SlotProjection::run(const SlotWeights& w, HeadsView<const float> in, HeadsView<float> out,
                         std::span<std::byte> workspace, Run& run) {
  products_.resize(std::max(products_.size(), static_cast<size_t>(run.threads)));
  const int64_t groups = w.weight.rows / (w.convolution ? in.cols : w.k);
  parallel_for(run.threads, in.batch * in.heads, [&](int64_t task, int thread) {
    const int64_t b = task / in.heads, head = task % in.heads, group = head / (in.heads / groups);
    ProductCache& products = products_[static_cast<size_t>(thread)];
    if (!w.convolution)
      return project(w, group, in.matrix(b, head), out.matrix(b, head), products, run.memory);
    float* const gathered = reinterpret_cast<float*>(workspace.data()) + thread * gathered_floats(w);
    convolve(w, group, in.matrix(b, head), out.matrix(b, head), gathered, products, run.memory);
  });
}

}  // namespace linformer
