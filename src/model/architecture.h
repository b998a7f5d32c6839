// SPDX-License-Identifier: MIT
// A transformer encoder as data: sizes, choices, and the tensors that hold its weights. One file per family
// fills it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/dnn.h"
#include "base/tensor.h"

namespace linformer {

/// The plain description from which the forward pass works. Post-norm: each residual sum is normalised.
struct Architecture {
  std::string family;     ///< e.g. "bert"
  int64_t layers = 0;     ///< L
  int64_t heads = 0;      ///< h
  int64_t head_size = 0;  ///< d
  int64_t width = 0;      ///< of the hidden states
  int64_t ffn_width = 0;
  int64_t vocabulary = 0;
  int64_t positions = 0;    ///< longest sequence
  int64_t token_types = 0;  ///< segments; every token is of the first
  Activation activation = Activation::kGelu;
  float norm_epsilon = 0;
  float scale = 1;  ///< s in softmax(s · Q Kᵀ)
  bool causal = false;
  float init_deviation = 0;  ///< standard deviation of the weights of an untrained model
};

/// A tensor that a family expects: its name in this checkpoint and its shape.
struct TensorRef {
  std::string name;
  Shape shape;
};

/// Weight [out, in] and bias [out].
struct DenseRefs {
  TensorRef weight, bias;
};

/// Weight and bias [width].
struct NormRefs {
  TensorRef weight, bias;
};

struct EmbeddingRefs {
  TensorRef words, positions, types;
  NormRefs norm;
};

struct LayerRefs {
  DenseRefs query, key, value, attention_output;
  NormRefs attention_norm;
  DenseRefs ffn_in, ffn_out;
  NormRefs ffn_norm;
};

/// Masked-LM head: norm(activation(dense(x))) · decoderᵀ + bias.
struct HeadRefs {
  DenseRefs transform;
  NormRefs norm;
  DenseRefs decoder;  ///< its weight is the word embedding where tied
};

/// An architecture and where its weights are.
struct ModelPlan {
  Architecture architecture;
  EmbeddingRefs embeddings;
  std::vector<LayerRefs> layers;
  std::optional<HeadRefs> head;
};

/// Calls f for every tensor of the plan; a tied one comes twice.
void for_each_tensor(const ModelPlan& plan, const std::function<void(const TensorRef&)>& f);

}  // namespace linformer
