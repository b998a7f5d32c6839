// SPDX-License-Identifier: MIT
// The weights of a model as f32, plain (row-major, as in the checkpoint).
#pragma once

#include <optional>
#include <vector>

#include "base/run.h"
#include "checkpoint/checkpoint.h"
#include "model/architecture.h"

namespace linformer {

/// y = x Wᵀ + b; W [out, in], b [out].
struct DenseWeights {
  MatrixView<const float> weight;
  const float* bias = nullptr;
};

struct NormWeights {
  const float* weight = nullptr;  ///< [width]
  const float* bias = nullptr;    ///< [width]
};

struct EmbeddingWeights {
  MatrixView<const float> words;      ///< [vocabulary, width]
  MatrixView<const float> positions;  ///< [positions, width]
  MatrixView<const float> types;      ///< [token_types, width]
  NormWeights norm;
};

struct LayerWeights {
  DenseWeights qkv;  ///< query, key and value stacked: [3 · width, width]
  DenseWeights attention_output;
  NormWeights attention_norm;
  DenseWeights ffn_in, ffn_out;
  NormWeights ffn_norm;
};

struct HeadWeights {
  DenseWeights transform;
  NormWeights norm;
  DenseWeights decoder;
};

/// Owns all weights in one buffer of the account; views point into it. Movable; the views stay valid.
class Model {
 public:
  /// Reads the plan's tensors. Throws Error(kInput) naming a tensor with NaN or infinity.
  static Model load(const Checkpoint& checkpoint, const ModelPlan& plan, MemoryAccount& account);

  /// The same architecture with the weights of an untrained model: N(0, init_deviation), biases 0, norms 1.
  static Model untrained(const Architecture& architecture, uint64_t seed, MemoryAccount& account);

  const Architecture& architecture() const { return architecture_; }
  const EmbeddingWeights& embeddings() const { return embeddings_; }
  const std::vector<LayerWeights>& layers() const { return layers_; }
  const std::optional<HeadWeights>& head() const { return head_; }

 private:
  friend class ModelBuilder;
  Model() = default;

  Architecture architecture_;
  Buffer<float> storage_;
  EmbeddingWeights embeddings_;
  std::vector<LayerWeights> layers_;
  std::optional<HeadWeights> head_;
};

}  // namespace linformer
