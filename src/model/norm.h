// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "base/dnn.h"
#include "model/model.h"

namespace linformer {

/// A LayerNorm or RMS norm over rows [rows, width]; one that does not exist leaves them as they are.
class Norm {
 public:
  /// Keeps views of the weights.
  Norm(NormKind kind, int64_t width, const NormWeights& weights, float epsilon);

  bool exists() const { return weights_.weight != nullptr; }
  void prepare(int64_t rows);
  int64_t scratch_bytes() const { return layer_norm_ ? layer_norm_->scratch_bytes() : 0; }
  /// y may be x. `rows` must have been prepared.
  void run(int64_t rows, const float* x, float* y, void* scratch, int threads);

 private:
  int64_t width_;
  NormWeights weights_;
  float epsilon_;
  std::optional<LayerNorm> layer_norm_;
};

}  // namespace linformer
