// SPDX-License-Identifier: MIT
// The weights of a model as f32, plain (row-major, [out, in]).
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "base/run.h"
#include "checkpoint/checkpoint.h"
#include "model/architecture.h"

namespace linformer {

/// y = x Wᵀ + b; W [out, in], b [out]. No weight: this model has no such layer; no bias: b = 0.
struct DenseWeights {
  MatrixView<const float> weight = {};
  const float* bias = nullptr;
};

/// [width] each. No weight: this model has no such norm.
struct NormWeights {
  const float* weight = nullptr;
  const float* bias = nullptr;
};

struct EmbeddingWeights {
  MatrixView<const float> words;      ///< [vocabulary, embedding width]
  MatrixView<const float> positions;  ///< [first position + positions, embedding width]; may be missing
  MatrixView<const float> types;      ///< [token types, embedding width]; may be missing
  NormWeights norm;
  DenseWeights projection;
  DenseWeights patches;                         ///< [width, channels · patch height · patch width]
  std::vector<MatrixView<const float>> prefix;  ///< [1, width] each
};

struct CrossWeights {
  DenseWeights query;
  DenseWeights key_value;  ///< key and value stacked: [2 h_kv · d, width]
  DenseWeights output;
  NormWeights norm;
};

struct LayerWeights {
  DenseWeights qkv;  ///< query, key and value stacked: [(h + 2 h_kv) · d, width]
  DenseWeights attention_inner, attention_output;
  MatrixView<const float> distance_bias;  ///< [buckets, heads]; may be missing
  NormWeights attention_norm;
  std::optional<CrossWeights> cross;
  DenseWeights ffn_gate, ffn_in, ffn_out;
  NormWeights ffn_norm;
};

/// What takes a layer's keys and values to slots: E and F, as LayerRefs has them.
struct ProjectionWeights {
  int64_t slots = 0;  ///< k
  DenseWeights keys, values;
};

struct HeadWeights {
  DenseWeights transform;
  NormWeights norm;
  Activation activation = Activation::kGelu;
  DenseWeights decoder;
  float scale = 1;
};

/// Owns all weights in one buffer of the account; views point into it. Movable; the views stay valid.
class Model {
 public:
  /// Reads the plan's tensors; the plan may have fewer layers than its architecture. Throws Error(kInput)
  /// naming a tensor with NaN or infinity.
  static Model load(const Checkpoint& checkpoint, const ModelPlan& plan, MemoryAccount& account);

  /// The same layers with the weights of an untrained model: N(0, deviation²), biases 0, norms 1, or as the
  /// plan's tensors say; no head.
  static Model untrained(const ModelPlan& plan, uint64_t seed, MemoryAccount& account);

  /// The same layers without weights, to be asked for sizes: views have addresses, but nothing lies there
  /// that could be read.
  static Model without_weights(const ModelPlan& plan);

  const Architecture& architecture() const { return architecture_; }
  const EmbeddingWeights& embeddings() const { return embeddings_; }
  /// Distinct layers; layer i of the model is layers()[weights_of_layer(i)].
  const std::vector<LayerWeights>& layers() const { return layers_; }
  size_t weights_of_layer(int64_t i) const { return weights_of_layer_[static_cast<size_t>(i)]; }
  /// How many layers it has, those that share their weights counted each.
  int64_t layer_count() const { return std::ssize(weights_of_layer_); }
  /// Of each layer; empty without a projection.
  const std::vector<ProjectionWeights>& projections() const { return projections_; }
  const NormWeights& final_norm() const { return final_norm_; }
  const std::optional<HeadWeights>& head() const { return head_; }
  /// The stack whose output the layers' cross attention reads; null: there is none.
  const Model* encoder() const { return encoder_.get(); }
  /// Of all weights, an encoder's included.
  int64_t bytes() const { return floats_ * static_cast<int64_t>(sizeof(float)); }

 private:
  friend class ModelBuilder;
  Model() = default;

  Architecture architecture_;
  Buffer<float> storage_;
  std::shared_ptr<float> addresses_;  ///< in place of the storage, where there are no weights
  int64_t floats_ = 0;                ///< of all weights
  EmbeddingWeights embeddings_;
  std::vector<LayerWeights> layers_;
  std::vector<size_t> weights_of_layer_;
  std::vector<ProjectionWeights> projections_;
  NormWeights final_norm_;
  std::optional<HeadWeights> head_;
  std::unique_ptr<Model> encoder_;  ///< its weights are in our storage
};

}  // namespace linformer
