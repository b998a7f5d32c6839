// SPDX-License-Identifier: MIT
// What every attention mechanism looks like: all heads of a batch at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

/// Sizes of one call, and what the model fixes: P = softmax(scale · Q Kᵀ), row i over keys 0..i where causal.
struct AttentionShape {
  int64_t batch = 0;       ///< b
  int64_t heads = 0;       ///< h
  int64_t queries = 0;     ///< rows of Q
  int64_t keys = 0;        ///< rows of K and V
  int64_t head_size = 0;   ///< d
  int64_t value_size = 0;  ///< columns of V; 0 where only P is wanted
  float scale = 1;         ///< s
  bool causal = false;
};

/// K and V may have fewer heads than Q (h_kv divides h): head i reads their head i / (h / h_kv).
struct AttentionInput {
  HeadsView<const float> q;  ///< [b, h, queries, d]
  HeadsView<const float> k;  ///< [b, h_kv, keys, d]
  HeadsView<const float> v;  ///< [b, h_kv, keys, value_size]; no data: O is not computed
};

/// What is computed on the way and handed out. A view without data is not wanted.
struct AttentionTaps {
  HeadsView<float> logits;         ///< [b, h, queries, keys], scale · Q Kᵀ, before any mask
  HeadsView<float> probabilities;  ///< [b, h, queries, keys], P
};

/// How a mechanism's output relates to exact attention with the same Q, K, V.
enum class Fidelity {
  kExact,
  kApproximates,  ///< estimates a trained head's output
  kNeedsTraining  ///< means something only with parameters trained for it
};

struct MechanismTraits {
  Fidelity fidelity = Fidelity::kExact;
  bool random = false;         ///< the output depends on a seed
  bool causal = false;         ///< can be causal
  bool probabilities = false;  ///< has a P to tap
};

/// One parameter tensor of a mechanism; initialisation, loading, saving and training follow from it.
struct ParameterSpec {
  std::string name;
  Shape shape;
  float init_deviation = 0;  ///< standard deviation of its Gaussian initial values
  bool trainable = true;
};

/// One way to compute attention. Not thread-safe; uses the threads of the Run it was prepared with.
class Mechanism {
 public:
  virtual ~Mechanism() = default;

  /// The specification it was made from, in canonical form, e.g. "linformer:k=128,sharing=layerwise".
  virtual std::string canonical() const = 0;
  virtual MechanismTraits traits() const = 0;
  virtual std::vector<ParameterSpec> parameters(const AttentionShape& shape) const = 0;
  /// Floating-point operations of one call, a multiply-add counting two; exponentials are not counted.
  virtual double flops(const AttentionShape& shape) const = 0;
  /// Bytes of scratch that prepare() takes for this shape on this many threads.
  virtual int64_t workspace_bytes(const AttentionShape& shape, int threads) const = 0;

  /// Takes parameters (as parameters() lists them, views that stay valid) and scratch for `shape`; a smaller
  /// shape may need more.
  virtual void prepare(const AttentionShape& shape, const std::vector<MatrixView<const float>>& parameters,
                       Run& run) = 0;
  /// O [b, h, queries, value_size]. The shape must not need more scratch than the prepared one.
  virtual void run(const AttentionShape& shape, const AttentionInput& in, HeadsView<float> out,
                   const AttentionTaps& taps) = 0;
};

/// Makes a mechanism from "name" or "name:option=value,...". Throws Error(kUsage) listing the known names.
std::unique_ptr<Mechanism> make_mechanism(std::string_view specification);
/// The registered names.
std::vector<std::string> mechanism_names();

}  // namespace linformer
