// SPDX-License-Identifier: MIT
#include "spectrum/control_maker.h"

#include "base/threads.h"

namespace linformer {

// Q' K'ᵀ.
static Product::Sizes logit_sizes(MatrixView<const float> q, MatrixView<const float> k, int64_t out) {
  return {.m = q.rows,
          .n = k.rows,
          .k = q.cols,
          .a_stride = q.stride,
          .b_stride = k.stride,
          .c_stride = out,
          .b_transposed = true};
}

static int64_t scratch_bytes(int64_t rows, int64_t cols, int64_t d) {
  return Product::scratch_bytes(logit_sizes({nullptr, rows, d, d}, {nullptr, cols, d, d}, cols));
}

int64_t ControlMaker::buffer_bytes(int64_t rows, int64_t cols) const {
  const int64_t d = options_.head_size;
  const int64_t factors = matched_workspace(rows, cols, d) * static_cast<int64_t>(sizeof(float));
  return run_.threads * (factors + scratch_bytes(rows, cols, d));
}

void ControlMaker::matched(MatrixView<float> p, const RecordKey& key, double entropy, Worker& worker) {
  const int64_t floats = matched_workspace(p.rows, p.cols, options_.head_size);
  worker.factors.reserve(run_.memory, floats, "factors of a control");
  worker.scratch.reserve(run_.memory, scratch_bytes(p.rows, p.cols, options_.head_size),
                         "scratch of a control");
  const auto product = [&](MatrixView<const float> q, MatrixView<const float> k, MatrixView<float> out) {
    worker.products.run(logit_sizes(q, k, out.stride), q.data, k.data, out.data, worker.scratch.span(),
                        run_.memory);
  };
  matched_control(p, {.d = options_.head_size, .causal = options_.causal, .entropy = entropy},
                  control_stream(options_.seed, ControlPurpose::kMatched, key.sequence, key.layer, key.head),
                  product, {worker.factors.data(), static_cast<size_t>(floats)});
}

void ControlMaker::make(const std::string& control, std::span<const MatrixView<float>> matrices,
                        std::span<const RecordKey> keys, std::span<const double> entropies) {
  workers_.resize(static_cast<size_t>(run_.threads));
  parallel_for(run_.threads, std::ssize(matrices), [&](int64_t index, int thread) {
    const auto i = static_cast<size_t>(index);
    const RecordKey& key = keys[i];
    if (control == kMatchedControl)
      matched(matrices[i], key, entropies[i], workers_[static_cast<size_t>(thread)]);
    if (control == kCausalUniformControl) causal_uniform(matrices[i]);
    if (control == kPermutedControl) {
      permute_rows(
          matrices[i], options_.causal,
          control_stream(options_.seed, ControlPurpose::kPermuted, key.sequence, key.layer, key.head));
    }
  });
}

}  // namespace linformer
