// SPDX-License-Identifier: MIT
#include "model/norm.h"

#include <algorithm>

#include "base/threads.h"
#include "kernels/rms_norm.h"

namespace linformer {

Norm::Norm(NormKind kind, int64_t width, const NormWeights& weights, float epsilon)
    : width_(width), weights_(weights), epsilon_(epsilon) {
  if (exists() && kind == NormKind::kLayer) layer_norm_.emplace(width, weights.weight, weights.bias, epsilon);
}

void Norm::prepare(int64_t rows) {
  if (layer_norm_) layer_norm_->prepare(rows);
}

void Norm::run(int64_t rows, const float* x, float* y, void* scratch, int threads) {
  if (layer_norm_) return layer_norm_->run(rows, x, y, scratch);
  constexpr int64_t kRows = 64;  // a thread takes at a time
  parallel_for(threads, (rows + kRows - 1) / kRows, [&](int64_t i, int) {
    const int64_t first = i * kRows, count = std::min(kRows, rows - first);
    const float* const from = x + first * width_;
    float* const to = y + first * width_;
    if (exists()) {
      rms_norm_rows(from, count, width_, weights_.weight, epsilon_, to);
    } else if (to != from) {
      std::copy_n(from, count * width_, to);
    }
  });
}

}  // namespace linformer
