// SPDX-License-Identifier: MIT
// A transformer as data: sizes, choices, and the tensors that hold its weights. One file per family fills it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dnn.h"
#include "base/tensor.h"

namespace linformer {

/// As transformers names it first, e.g. "gelu_new".
std::string_view name_of(Activation activation);

enum class NormKind {
  kLayer,  ///< (x − mean) / √(variance + ε) · weight + bias
  kRms     ///< x / √(mean of x² + ε) · weight
};

/// Where a layer's norms stand; x is the residual stream, A attention, F the feed-forward block.
enum class NormPlace {
  kAfter,    ///< x ← norm(x + A(x)); x ← norm(x + F(x))
  kBefore,   ///< x ← x + A(norm(x)); x ← x + F(norm(x))
  kParallel  ///< x ← x + A(norm(x)) + F(norm'(x))
};

/// What an image model reads, and how it cuts it up; in pixels. Patches lie side by side from the top left;
/// what is left over at the right and at the bottom is not seen.
struct ImageShape {
  int64_t channels = 0, height = 0, width = 0;
  int64_t patch_height = 0, patch_width = 0;

  int64_t values() const { return channels * height * width; }
  int64_t columns() const { return width / patch_width; }
  int64_t patches() const { return height / patch_height * columns(); }
  int64_t patch_values() const { return channels * patch_height * patch_width; }
};

/// The attentions that a model may have: of its encoder and of its decoder to themselves, and of the decoder
/// to the encoder's output. A model with one stack of layers has a decoder if it is causal.
enum class Stack { kEncoder, kDecoder, kCross };
std::string_view name_of(Stack stack);

/// Buckets of distances that share a bias (Raffel et al. 2019); see distance_bucket().
struct DistanceBuckets {
  int64_t count = 0;  ///< 0: no such biases
  int64_t far = 0;    ///< all distances from here on are in the last bucket of their side
};

constexpr int64_t kAnyLength = std::numeric_limits<int64_t>::max();

/// How a Linformer (arXiv 2006.04768) takes keys and values from n positions to k slots, over which attention
/// then runs: P̄ is [n, k].
struct Projection {
  enum class Kind {
    kMatrix,      ///< K̄ = E K, V̄ = F V, E and F [k, n]
    kConvolution  ///< along the sequence, kernel and stride n / k, mixing the elements of a head
  };
  enum class Order {
    kAfterWeights,  ///< K̄ = E (X W + b), as the paper has it
    kBeforeWeights  ///< K̄ = (E X) W + b
  };

  /// Who uses the same matrix; plan_model() reads it off the tensors. The paper's levels are none of these,
  /// heads ("headwise"), heads and keys with values ("key-value"), and all ("layerwise").
  struct Sharing {
    bool heads = false, keys_values = false, layers = false;
  };

  std::vector<int64_t> k = {};  ///< slots of each layer
  Sharing sharing = {};
  bool bias = false;  ///< E and F have biases that are added
  Kind kind = Kind::kMatrix;
  Order order = Order::kAfterWeights;
  /// Sequences must be as long as `positions`. Else shorter ones take the first columns of E and F.
  bool whole_length = false;
};

/// "layerwise", or in words what is not one of the paper's levels.
std::string name_of(const Projection::Sharing& sharing);

/// The plain description from which the forward pass works.
struct Architecture {
  std::string family;           ///< its model_type, e.g. "bert"
  int64_t layers = 0;           ///< L
  int64_t heads = 0;            ///< h
  int64_t kv_heads = 0;         ///< of keys and values; divides h
  int64_t head_size = 0;        ///< d; h · d may differ from the width
  int64_t width = 0;            ///< of the hidden states
  int64_t ffn_width = 0;        ///< between the feed-forward block's two products
  int64_t vocabulary = 0;       ///< rows of the word embeddings; 0, and no images: hidden states are given
  int64_t embedding_width = 0;  ///< of the embeddings; projected to `width` where it differs
  int64_t positions = 0;    ///< longest sequence; of images, the only length; kAnyLength: nothing bounds it
  bool windowed = false;    ///< there are more positions, but from this one on a sliding window hides keys
  int64_t token_types = 0;  ///< segments, every token is of the first; 0: none
  Activation activation = Activation::kGelu;
  bool gated_ffn = false;  ///< activation(gate(x)) · in(x) instead of activation(in(x))
  NormKind norm_kind = NormKind::kLayer;
  NormPlace norm_place = NormPlace::kAfter;
  float norm_epsilon = 0;
  float scale = 1;              ///< s in softmax(s · Q Kᵀ)
  bool scale_by_layer = false;  ///< s / (i + 1) in layer i
  bool causal = false;          ///< in the attention of the stack to itself
  bool cross = false;           ///< what is looked at is the attention to the encoder's output instead
  /// Learned positions are counted from here: the table has `positions` rows from this one on.
  int64_t first_position = 0;
  /// A token that takes no position of its own but row first_position − 1 (RoBERTa's padding); −1: none.
  int64_t unplaced_id = -1;
  /// Rotary positions: the first 2f elements of each q and k are rotated in pairs (i, f + i) by the angle
  /// position · frequency i. Empty: none.
  std::vector<float> rotary_frequencies = {};
  /// Sinusoidal positions: at position p, sin(p · frequency i) is added to element i of the embedding and
  /// cos(p · frequency i) to element f + i of 2f. Empty: none.
  std::vector<float> sinusoid_frequencies = {};
  bool zero_unplaced = false;  ///< the embedding of unplaced_id is zeros
  std::optional<Projection> projection = {};
  DistanceBuckets distance_buckets = {};  ///< of the biases that the logits have by distance
  int32_t decoder_start_id = 0;           ///< with an encoder: what the decoder reads first
  float init_deviation = 0;               ///< standard deviation of the weights of an untrained model
  std::optional<ImageShape> image = {};   ///< the input is images; none: token ids

  /// Tokens before those of the patches.
  int64_t prefix_tokens() const { return image ? positions - image->patches() : 0; }
  Stack stack() const { return cross ? Stack::kCross : causal ? Stack::kDecoder : Stack::kEncoder; }
  /// Whether a query of the attention that is looked at sees earlier keys only.
  bool hides_later_keys() const { return stack() == Stack::kDecoder; }

  /// Columns of a layer's P for sequences of length n.
  int64_t columns(int64_t layer, int64_t n) const {
    return projection ? projection->k[static_cast<size_t>(layer)] : n;
  }
  /// The most slots of any layer; 0 without a projection.
  int64_t most_slots() const {
    return projection ? *std::max_element(projection->k.begin(), projection->k.end()) : 0;
  }
  /// Whether a projection comes before the weights of keys and values.
  bool slots_first() const { return projection && projection->order == Projection::Order::kBeforeWeights; }
  /// The only length of sequences that it takes, if there is just one.
  std::optional<int64_t> only_length() const {
    return projection && projection->whole_length ? std::optional(positions) : std::nullopt;
  }
};

/// A tensor that a family expects: its name in this checkpoint, its shape as it is used, and where in the
/// stored tensor that is. No name: this model has none.
struct TensorRef {
  enum class Role { kWeight, kBias, kNormWeight, kZero };  ///< the last: 0 in an untrained model

  std::string name = {};
  Shape shape = {};  ///< [out, in], [rows, width] or [count]
  Role role = Role::kWeight;
  Shape stored = {};        ///< shape in the file, of each part; empty: `shape`
  bool transposed = false;  ///< stored [in, out]
  /// Output r is stored as output first + (r / block) · step + r mod block: a part of a fused tensor. Block
  /// 0: all in one.
  int64_t first = 0, block = 0, step = 0;
  /// Stored as these tensors of equal shape, `name` the first of them, one after the other. Empty: as one.
  std::vector<std::string> parts = {};
  /// Of an untrained model: a weight's standard deviation (none: the architecture's), a norm's weight (none:
  /// 1).
  std::optional<float> untrained = {};

  bool exists() const { return !name.empty(); }
  const Shape& stored_shape() const { return stored.empty() ? shape : stored; }
  int64_t stored_output(int64_t r) const {
    return block == 0 ? first + r : first + r / block * step + r % block;
  }
};

/// Weight [out, in] and bias [out], which may be missing.
struct DenseRefs {
  TensorRef weight = {}, bias = {};
};

/// Weight and bias [width]; the bias, or both, may be missing.
struct NormRefs {
  TensorRef weight = {}, bias = {};
};

struct EmbeddingRefs {
  TensorRef words = {}, positions = {}, types = {};
  TensorRef frequencies = {};  ///< where Architecture::sinusoid_frequencies were read when it was planned
  NormRefs norm = {};
  DenseRefs projection = {};           ///< from embedding_width to width
  DenseRefs patches = {};              ///< of image models: from a patch's values to width
  std::vector<TensorRef> prefix = {};  ///< [1, width] each: tokens before those of the patches
};

/// Attention to the encoder's output, after that of the layer to itself.
struct CrossRefs {
  DenseRefs query = {}, key = {}, value = {}, output = {};
  NormRefs norm = {};
};

struct LayerRefs {
  DenseRefs query = {}, key = {}, value = {};
  /// E and F: [g k, n] and biases [g k], or, of convolutions, [g d, d c] and [g d], one for each of g groups
  /// of heads, g = 1 or all. Only where the architecture has a projection.
  DenseRefs key_projection = {}, value_projection = {};
  DenseRefs attention_inner = {};  ///< a product before the output's; may be missing
  DenseRefs attention_output = {};
  TensorRef distance_bias = {};  ///< [buckets, heads], added to the logits of the attention to itself
  NormRefs attention_norm = {};
  std::optional<CrossRefs> cross = {};
  DenseRefs ffn_gate = {}, ffn_in = {}, ffn_out = {};
  NormRefs ffn_norm = {};
};

/// Language-model head: decoder · norm(activation(transform(x))) + bias, or decoder · (scale · x) + bias.
struct HeadRefs {
  DenseRefs transform = {};
  NormRefs norm = {};
  Activation activation = Activation::kGelu;
  DenseRefs decoder = {};  ///< its weight is the word embedding where tied
  float scale = 1;         ///< of a head without transform
};

/// An architecture and where its weights are. That of an encoder-decoder is the decoder's, which has the
/// encoder's in it.
struct ModelPlan {
  Architecture architecture = {};
  EmbeddingRefs embeddings = {};
  std::vector<LayerRefs> layers = {};  ///< layers that share their weights name the same tensors
  NormRefs final_norm = {};
  std::optional<HeadRefs> head = {};
  std::shared_ptr<const ModelPlan> encoder = {};  ///< whose output the layers' cross attention reads
  std::vector<std::string> notes = {};            ///< what a user should know and the file cannot tell
};

/// What one stack of a model takes: of an encoder-decoder, the encoder alone or all of it. None: the encoder
/// if there is one. Throws Error(kUsage) naming --stack for one that this model has not.
ModelPlan select_stack(ModelPlan plan, std::optional<Stack> stack);

/// The tensors of the file that hold it: itself, or its parts.
std::vector<TensorRef> stored_parts(const TensorRef& ref);

/// The plan of what attention in these layers depends on: no head, and nothing after the last of them. Empty:
/// all layers. An encoder beside them stays whole.
ModelPlan without_later_layers(ModelPlan plan, const std::vector<int64_t>& layers);

/// The plan of one layer alone, whose input is hidden states.
ModelPlan only_layer(const ModelPlan& plan, int64_t layer);

/// Calls f for every tensor of the plan that there is; one that is used twice comes twice.
void for_each_tensor(const ModelPlan& plan, const std::function<void(const TensorRef&)>& f);

}  // namespace linformer
