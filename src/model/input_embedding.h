// SPDX-License-Identifier: MIT
// From token ids to the first layer's input.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/run.h"
#include "model/norm.h"

namespace linformer {

/// norm(word + position + first token type), projected to the model's width where that differs.
class InputEmbedding {
 public:
  /// `model` must outlive it.
  explicit InputEmbedding(const Model& model);

  /// Makes ready for that many tokens.
  void prepare(int64_t tokens);
  int64_t scratch_bytes() const;
  int64_t packed_bytes() const { return projection_ ? projection_->packed_bytes() : 0; }
  /// Of the sums before they are projected, [tokens, embedding width]; 0 where they are not.
  int64_t sum_floats(int64_t tokens) const;
  void pack(MemoryAccount& account);

  /// out [b · n, width] for sequences of equal length n; `sums`: room for sum_floats(). Throws Error(kInput)
  /// for an id outside the vocabulary.
  void run(std::span<const std::span<const int32_t>> sequences, float* sums, float* out, void* scratch,
           int threads);

 private:
  void add_up(std::span<const int32_t> ids, float* out, int threads) const;
  void add_sinusoids(int64_t position, float* to) const;
  void zero_unplaced(std::span<const int32_t> ids, float* out) const;

  const Model& model_;
  const Architecture& a_;
  Norm norm_;
  std::optional<Dense> projection_;
};

}  // namespace linformer
