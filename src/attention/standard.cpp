// SPDX-License-Identifier: MIT
#include "attention/standard.h"

#include <algorithm>
#include <map>

#include "base/dnn.h"
#include "base/stride.h"
#include "base/threads.h"
#include "kernels/softmax.h"

namespace linformer {
namespace {

// Rows of P worked on at a time: about half a MiB, which a core's second-level cache holds beside K and V.
int64_t block_rows(const AttentionShape& s) {
  constexpr int64_t kBlockFloats = 128 * 1024;
  return std::clamp<int64_t>(kBlockFloats / std::max<int64_t>(s.keys, 1) / 16 * 16, 16, 512);
}

// One thread's products (by size; a handful) and scratch.
struct Worker {
  std::map<Product::Sizes, Product> products;
  Buffer<float> block;
  RawBuffer scratch;

  void multiply(const Product::Sizes& sizes, const float* a, const float* b, float* c,
                MemoryAccount& memory) {
    Product& product = products.try_emplace(sizes, sizes).first->second;
    if (scratch.bytes() < product.scratch_bytes()) {
      scratch = {};  // before the new one is counted
      scratch = RawBuffer(memory, product.scratch_bytes(), "scratch of a matrix product");
    }
    product.run(a, b, c, scratch.data());
  }
};

class Standard final : public Mechanism {
 public:
  std::string canonical() const override { return "standard"; }
  MechanismTraits traits() const override { return {.causal = true, .probabilities = true}; }
  std::vector<ParameterSpec> parameters(const AttentionShape&) const override { return {}; }

  // 2 n² d for Q Kᵀ and as much for P V; half of it where causal.
  double flops(const AttentionShape& s) const override {
    const double full = 2.0 * static_cast<double>(s.batch * s.heads * s.queries * s.keys) *
                        static_cast<double>(s.head_size + s.value_size);
    return s.causal ? full / 2 : full;
  }

  int64_t workspace_bytes(const AttentionShape& s, int threads) const override {
    return threads * block_rows(s) * padded_stride(s.keys) * static_cast<int64_t>(sizeof(float));
  }

  void prepare(const AttentionShape& shape, const std::vector<MatrixView<const float>>&, Run& run) override {
    run_ = &run;
    workers_.resize(static_cast<size_t>(run.threads));
    const int64_t block = block_rows(shape) * padded_stride(shape.keys);
    for (Worker& worker : workers_) {
      if (worker.block.size() >= block) continue;
      worker.block = {};  // before the new one is counted
      worker.block = Buffer<float>(run.memory, block, "a block of P");
    }
  }

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out,
           const AttentionTaps& taps) override {
    const int64_t rows = block_rows(s);
    const int64_t blocks = (s.queries + rows - 1) / rows;
    parallel_for(run_->threads, s.batch * s.heads * blocks, [&](int64_t i, int thread) {
      const int64_t b = i / (s.heads * blocks), h = i / blocks % s.heads, first = i % blocks * rows;
      run_block(s, in, out, taps, b, h, first, std::min(rows, s.queries - first),
                workers_[static_cast<size_t>(thread)]);
    });
  }

 private:
  void run_block(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out,
                 const AttentionTaps& taps, int64_t b, int64_t h, int64_t first, int64_t rows,
                 Worker& worker) {
    const int64_t kv = h / (s.heads / in.k.heads);
    const MatrixView<const float> q = in.q.matrix(b, h), k = in.k.matrix(b, kv);
    MatrixView<float> p{worker.block.data(), rows, s.keys, padded_stride(s.keys)};
    if (taps.probabilities.data != nullptr) {
      const MatrixView<float> all = taps.probabilities.matrix(b, h);
      p = {all.row(first), rows, s.keys, all.stride};
    }
    // S = Q Kᵀ
    worker.multiply({.m = rows,
                     .n = s.keys,
                     .k = s.head_size,
                     .a_stride = q.stride,
                     .b_stride = k.stride,
                     .c_stride = p.stride,
                     .b_transposed = true},
                    q.row(first), k.data, p.data, run_->memory);
    if (taps.logits.data != nullptr) copy_scaled(p, s.scale, taps.logits.matrix(b, h), first);
    softmax_rows(p.data, rows, s.keys, p.stride, s.scale, s.causal, first);
    if (in.v.data == nullptr) return;
    // O = P V
    const MatrixView<const float> v = in.v.matrix(b, kv);
    const MatrixView<float> o = out.matrix(b, h);
    worker.multiply({.m = rows,
                     .n = s.value_size,
                     .k = s.keys,
                     .a_stride = p.stride,
                     .b_stride = v.stride,
                     .c_stride = o.stride,
                     .b_transposed = false},
                    p.data, v.data, o.row(first), run_->memory);
  }

  static void copy_scaled(MatrixView<const float> s, float scale, MatrixView<float> logits, int64_t first) {
    for (int64_t i = 0; i < s.rows; ++i) {
      std::transform(s.row(i), s.row(i) + s.cols, logits.row(first + i), [=](float x) { return scale * x; });
    }
  }

  Run* run_ = nullptr;
  std::vector<Worker> workers_;
};

}  // namespace

std::unique_ptr<Mechanism> make_standard() { return std::make_unique<Standard>(); }

}  // namespace linformer
