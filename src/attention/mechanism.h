// SPDX-License-Identifier: MIT
// What every attention mechanism looks like: all heads of a batch at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/half.h"
#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

/// Sizes of one call, and what the model fixes: P = softmax(scale · Q Kᵀ + B + M), B and M as AttentionInput
/// gives them, row i over keys 0 .. past + i where causal.
struct AttentionShape {
  int64_t batch = 0;       ///< b
  int64_t heads = 0;       ///< h
  int64_t queries = 0;     ///< rows of Q
  int64_t keys = 0;        ///< rows of K and V
  int64_t head_size = 0;   ///< d
  int64_t value_size = 0;  ///< columns of V; 0 where only P is wanted
  float scale = 1;         ///< s
  bool causal = false;
  int64_t past = 0;  ///< keys before query 0's own
};

/// K and V may have fewer heads than Q (h_kv divides h): head i reads their head i / (h / h_kv).
template <class T>
struct AttentionInputOf {
  HeadsView<const T> q;  ///< [b, h, queries, d]
  HeadsView<const T> k;  ///< [b, h_kv, keys, d]
  HeadsView<const T> v;  ///< [b, h_kv, keys, value_size]; no data: O is not computed
  /// B [h, queries + keys − 1], one for all sequences: query i and key j take element j − i + queries − 1 of
  /// their head's row. No data: none.
  MatrixView<const float> distance_bias = {};
  /// M [b, keys], one for all heads and queries: 0, or −inf for a key that is padding. No data: none.
  MatrixView<const float> key_mask = {};
};
using AttentionInput = AttentionInputOf<float>;
using Bf16AttentionInput = AttentionInputOf<Bf16>;

/// What is computed on the way and handed out. A view without data is not wanted.
struct AttentionTaps {
  HeadsView<float> logits = {};         ///< [b, h, queries, keys], scale · Q Kᵀ + B
  HeadsView<float> probabilities = {};  ///< [b, h, queries, keys], P
  double* softmax_seconds = nullptr;    ///< added to: of all threads together; where there is another tap

  bool any() const { return logits.data != nullptr || probabilities.data != nullptr; }
};

/// How a mechanism's output relates to exact attention with the same Q, K, V.
enum class Fidelity {
  kExact,
  kApproximates,  ///< estimates a trained head's output
  kNeedsTraining  ///< means something only in a model that was trained with it
};

struct MechanismTraits {
  Fidelity fidelity = Fidelity::kExact;
  bool random = false;         ///< the output depends on a seed
  bool causal = false;         ///< can be causal
  bool key_mask = false;       ///< takes a key mask
  bool distance_bias = false;  ///< takes a bias by distance
  bool probabilities = false;  ///< has logits and a P to tap
  /// P of all heads lies in the workspace of run(), each where its logits were.
  bool keeps_probabilities = false;
  bool lapack = false;       ///< computes by LAPACK in part, which reports then name
  bool native_bf16 = false;  ///< run_bf16() multiplies bf16 on this machine, instead of f32 copies
};

/// How a parameter begins before it is trained or loaded.
struct ParameterInit {
  enum class Kind { kNormal, kZeros, kOnes };
  Kind kind = Kind::kNormal;
  float deviation = 1;  ///< of kNormal, whose mean is 0
};

/// One parameter tensor of a mechanism; initialisation, loading, saving and training follow from it.
struct ParameterSpec {
  std::string name;
  Shape shape;
  ParameterInit init = {};
  bool trainable = true;
};

/// What plain loops in f64 make of some rows.
struct ReferenceRows {
  std::vector<double> o;  ///< [rows, value_size]
  double largest_score =
      0;  ///< the largest |scale · q·k| of what the softmax is of, whose rounding the weights show
  double amplification = 1;  ///< how many times as large as in exact attention other rounding may show in O
};

/// One way to compute attention. Its options are fixed when it is made. One call at a time. What it keeps
/// between calls is counted in run.memory, which must outlive it.
class Mechanism {
 public:
  virtual ~Mechanism() = default;

  /// The specification it was made from, in canonical form, e.g. "linformer:k=128,sharing=layerwise".
  virtual std::string canonical() const = 0;
  virtual MechanismTraits traits() const = 0;
  virtual std::vector<ParameterSpec> parameters(const AttentionShape& shape) const = 0;
  /// Floating-point operations of one call, a multiply-add counting two; exponentials are not counted.
  virtual double flops(const AttentionShape& shape) const = 0;
  /// Bytes that run() works in; `tapped`: with taps. Never less for more keys or threads, nor for more
  /// queries where these are as many as the keys.
  virtual int64_t workspace_bytes(const AttentionShape& shape, int threads, bool tapped) const = 0;

  /// Takes the parameters that parameters() lists for this shape, in its order: dense, row-major, valid and
  /// as they are until the next prepare(). Throws Error(kUsage) for a shape, mask or bias it cannot compute.
  virtual void prepare(const AttentionShape& shape, std::span<const float* const> parameters) = 0;
  /// O [b, h, queries, value_size], on the threads of `run`. `workspace`: at least workspace_bytes(), aligned
  /// to 64 bytes, its contents neither read nor kept.
  virtual void run(const AttentionShape& shape, const AttentionInput& in, HeadsView<float> out,
                   const AttentionTaps& taps, std::span<std::byte> workspace, Run& run) = 0;

  /// Bytes that run_bf16() works in, as workspace_bytes(). By default those of run(), and f32 copies of Q, K,
  /// V and O.
  virtual int64_t bf16_workspace_bytes(const AttentionShape& shape, int threads, bool tapped) const;
  /// Bytes of the parameters rounded to bf16, which the first run_bf16() without taps after prepare() makes
  /// and the mechanism keeps.
  virtual int64_t bf16_parameter_bytes(const AttentionShape&) const { return 0; }
  /// run() with Q, K, V and O in bf16; sums, parameters, taps and biases are f32. O is within 1e-2 of max |O|
  /// of f64 on the same values. By default run() on f32 copies, made once a call; a mechanism with kernels
  /// for bf16 has these three to itself, and says so in its traits.
  virtual void run_bf16(const AttentionShape& shape, const Bf16AttentionInput& in, HeadsView<Bf16> out,
                        const AttentionTaps& taps, std::span<std::byte> workspace, Run& run);

  /// The slow twin of run(), by plain loops in f64: those rows of O of head h of sequence b, one after
  /// another. After prepare().
  virtual ReferenceRows reference(const AttentionShape& shape, const AttentionInput& in, int64_t b, int64_t h,
                                  std::span<const int64_t> rows) const = 0;
  /// The same on the values that are bf16.
  ReferenceRows reference_bf16(const AttentionShape& shape, const Bf16AttentionInput& in, int64_t b,
                               int64_t h, std::span<const int64_t> rows) const;
};

/// Makes a mechanism from "name" or "name:option=value,...". Throws Error(kUsage) listing the known names.
std::unique_ptr<Mechanism> make_mechanism(std::string_view specification);
/// The registered names.
std::vector<std::string> mechanism_names();
/// The option of this mechanism that says how many slots, landmarks or the like stand for n keys, and that
/// lists of k are given to: "k" of linformer; empty: it has none.
std::string_view rank_option(std::string_view name);
/// A specification without that option, with it.
std::string with_rank(std::string_view specification, int64_t k);
/// The specification without that option. A name that is no mechanism, such as a replacement's, loses "k".
std::string without_rank(std::string_view specification);

}  // namespace linformer
