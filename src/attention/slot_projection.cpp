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

// E X, or the gathered rows times the kernels.
Product::Sizes product_sizes(const SlotWeights& w, int64_t n, int64_t d, int64_t in, int64_t out) {
  const int64_t length = w.weight.cols;
  return {.m = w.k,
          .n = d,
          .k = w.convolution ? length : n,
          .a_stride = w.convolution ? length : w.weight.stride,
          .b_stride = w.convolution ? w.weight.stride : in,
          .c_stride = out,
          .b_transposed = w.convolution};
}

int64_t scratch_bytes(const SlotWeights& w, int64_t d) {
  return Product::scratch_bytes(product_sizes(w, w.weight.cols, d, d, d));
}

// What a thread has to itself.
struct Worker {
  ProductCache& products;
  float* gathered;
  std::span<std::byte> scratch;
  MemoryAccount& memory;
};

void project(const SlotWeights& w, int64_t group, MatrixView<const float> in, MatrixView<float> out,
             const Worker& worker) {
  worker.products.run(product_sizes(w, in.rows, in.cols, in.stride, out.stride), w.weight.row(group * w.k),
                      in.data, out.data, worker.scratch, worker.memory);
  for (int64_t i = 0; i < w.k && w.bias != nullptr; ++i) {
    const float bias = w.bias[group * w.k + i];
    std::for_each(out.row(i), out.row(i) + out.cols, [=](float& x) { x += bias; });
  }
}

void convolve(const SlotWeights& w, int64_t group, MatrixView<const float> in, MatrixView<float> out,
              const Worker& worker) {
  const int64_t d = in.cols;
  gather(in, w.k, w.weight.cols / d, worker.gathered);
  worker.products.run(product_sizes(w, in.rows, d, in.stride, out.stride), worker.gathered,
                      w.weight.row(group * d), out.data, worker.scratch, worker.memory);
  for (int64_t i = 0; i < w.k && w.bias != nullptr; ++i) {
    const float* const bias = w.bias + group * d;
    std::transform(out.row(i), out.row(i) + d, bias, out.row(i), [](float x, float b) { return x + b; });
  }
}

}  // namespace

int64_t SlotProjection::workspace_bytes(const SlotWeights& w, int64_t d, int threads) {
  return threads * (gathered_floats(w) * static_cast<int64_t>(sizeof(float)) + scratch_bytes(w, d));
}

void SlotProjection::run(const SlotWeights& w, HeadsView<const float> in, HeadsView<float> out,
                         std::span<std::byte> workspace, Run& run) {
  products_.resize(std::max(products_.size(), static_cast<size_t>(run.threads)));
  const auto gathered = static_cast<size_t>(gathered_floats(w)) * sizeof(float);
  const auto scratch = static_cast<size_t>(scratch_bytes(w, in.cols));
  const int64_t groups = w.weight.rows / (w.convolution ? in.cols : w.k);
  parallel_for(run.threads, in.batch * in.heads, [&](int64_t task, int index) {
    const auto thread = static_cast<size_t>(index);
    const int64_t b = task / in.heads, head = task % in.heads, group = head / (in.heads / groups);
    const std::span<std::byte> room = workspace.subspan(thread * (gathered + scratch), gathered + scratch);
    const Worker worker{.products = products_[thread],
                        .gathered = reinterpret_cast<float*>(room.data()),
                        .scratch = room.subspan(gathered),
                        .memory = run.memory};
    const auto take = w.convolution ? convolve : project;
    take(w, group, in.matrix(b, head), out.matrix(b, head), worker);
  });
}

}  // namespace linformer
