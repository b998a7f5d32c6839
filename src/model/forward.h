// SPDX-License-Identifier: MIT
// The forward pass of a model, streamed layer by layer to a visitor.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "attention/mechanism.h"
#include "attention/slot_projection.h"
#include "base/run.h"
#include "model/drawn_projection.h"
#include "model/input_embedding.h"
#include "model/layer_attention.h"
#include "model/norm.h"
#include "model/rotary.h"

namespace linformer {

/// What a visitor wants to see of a layer. Of a model Q, K and V cost nothing, logits and P a buffer.
struct LayerWants {
  bool logits = false;
  bool probabilities = false;
  bool queries_and_keys = false;  ///< also where they are read for this alone
  /// The layer's output. Where it is not wanted of the last layer to run, that layer ends at its P, or at Q,
  /// K and V if neither logits nor P are wanted; layers before it have it anyway.
  bool hidden = false;
  int64_t row_stride = 0;  ///< leading dimension of logits and probabilities; 0: the number of columns
};

/// One layer of `sequences.size()` sequences of equal length n. Views are valid during the call only.
struct LayerView {
  int64_t layer = 0;
  std::span<const int64_t> sequences;  ///< indices of the sequences within the source
  /// [b, h, n, d], k and v [b, h_kv, keys, d]; q and k after rotary positions; may be missing. What attention
  /// is over: of a Linformer, k and v are the projected ones, and its slots are the keys.
  HeadsView<const float> q = {}, k = {}, v = {};
  /// [h, n + keys − 1], as in AttentionInput; no data: the logits are s · QKᵀ alone.
  MatrixView<const float> distance_bias = {};
  /// [b, h, n, keys]; no data if not wanted; the visitor may overwrite them.
  HeadsView<float> logits = {}, probabilities = {};
  MatrixView<const float> hidden = {};  ///< the layer's output [b · n, width]; may be missing
  double softmax_seconds = 0;           ///< that the softmax took of all threads together, where P was made
  /// The first layer's input [b · n, width]; only at layer 0, may be missing.
  MatrixView<const float> embeddings = {};
  /// The last hidden states [b · n, width], after the final norm; only at the model's last layer, may be
  /// missing.
  MatrixView<const float> final_hidden = {};
};

/// Called once a layer, in order, from one thread.
class LayerVisitor {
 public:
  virtual ~LayerVisitor() = default;
  virtual LayerWants wants(int64_t layer) const = 0;
  virtual void on_layer(const LayerView& view) = 0;
};

/// What a decoder reads while the encoder reads `ids`: these, one place later, after the start token.
std::vector<int32_t> shifted_right(std::span<const int32_t> ids, int32_t start_id);

/// Runs batches through a model. Buffers grow to the largest batch seen and are reused. What visitors see of
/// an encoder-decoder is its decoder: its attention to itself or to the encoder's output, as the architecture
/// says.
class ForwardPass {
 public:
  /// `model` must outlive it. `mechanism`: see make_mechanism; of layers whose logits and P are wanted,
  /// standard attention makes them.
  ForwardPass(const Model& model, std::unique_ptr<Mechanism> mechanism, Run& run);

  /// From the next run on attends by `mechanism`, over the slots of `projection` (null: over all keys) in
  /// place of the model's own way. Both must outlive their use. Not for models with an encoder beside the
  /// decoder.
  void attend_by(Mechanism& mechanism, const DrawnProjection* projection);

  /// From the next run on `replacement` computes the attention of the layers that it replaces (null: of
  /// none). It must outlive its use. What a visitor wants of such a layer is not there.
  void replace_attention(LayerAttention* replacement) { replacement_ = replacement; }

  /// Bytes it takes for b sequences of length n when `wants` holds for a layer: buffers, scratch and packed
  /// weights, those it holds already included; an encoder's sequences are as long. Makes the dense layers
  /// ready for b · n rows.
  int64_t buffer_bytes(int64_t batch, int64_t length, const LayerWants& wants);
  /// Of these, the packed weights. After buffer_bytes().
  int64_t packed_bytes();

  /// For a model with an encoder, before run(): runs a batch of equal length through the encoder, whose last
  /// hidden states the cross attention of run() reads.
  void encode(const ModelInput& input);

  /// Runs a batch of length n <= positions through layers 0 .. layers − 1. `indices` are handed to the
  /// visitor (may be null). Returns the last hidden states [b · n, width] (after the final norm, if all
  /// layers were run), valid until the next call; nothing where the visitor does not want those of the last
  /// layer.
  /// Throws Error(kInput) for an input that is not valid, as an id outside the vocabulary.
  MatrixView<const float> run(const ModelInput& input, std::span<const int64_t> indices, int64_t layers,
                              LayerVisitor* visitor);

  /// The rest of a run: what entered layer `first` goes through it and all after it. For models of one stack.
  MatrixView<const float> run_from(int64_t first, const StateBatch& input);

 private:
  /// n, and the number of the encoder's tokens.
  struct Lengths {
    int64_t own = 0, encoder = 0;
  };
  struct CrossLayer {
    CrossLayer(const CrossWeights& weights, const Architecture& architecture);

    Dense query, key_value, output;
    Norm norm;
  };
  struct Layer {
    Layer(const LayerWeights& weights, const Architecture& architecture);
    std::vector<Norm*> norms();

    const LayerWeights& weights;
    Dense qkv;
    Dense query, key, value;  ///< in place of qkv where slots are made before keys and values
    std::optional<Dense> attention_inner;
    Dense attention_output;
    MatrixView<const float> distance_bias;
    std::optional<CrossLayer> cross;
    std::optional<Dense> ffn_gate;
    Dense ffn_in, ffn_out;
    Norm attention_norm, ffn_norm;
  };
  struct Heads {
    HeadsView<float> q, k, v;
  };
  struct Sizes;

  /// Those of a layer that are in use, with the number of rows that each is for.
  std::vector<std::pair<Dense*, int64_t>> dense_of(Layer& layer, int64_t batch, Lengths n, int64_t slots);
  Layer& layer_at(int64_t i) { return layers_[model_.weights_of_layer(i)]; }
  int64_t slots_of(int64_t i) const { return a_.projection ? a_.projection->k[static_cast<size_t>(i)] : 0; }
  /// Of E or F, for the projection.
  SlotWeights slot_weights(const ProjectionWeights& p, const DenseWeights& w) const;
  int64_t attention_workspace_bytes(const AttentionShape& shape, const LayerWants& wants) const;
  AttentionShape attention_shape(int64_t batch, int64_t queries, int64_t keys) const;
  Sizes sizes_for(int64_t batch, Lengths n, const LayerWants& wants);
  void reserve(int64_t batch, Lengths lengths, const LayerWants& wants);
  /// Columns of the P that visitors see: of a layer, and the most of any.
  int64_t columns(int64_t layer, Lengths n) const { return a_.cross ? n.encoder : a_.columns(layer, n.own); }
  int64_t most_columns(Lengths n) const;
  HeadsView<float> heads_view(float* rows, int64_t length, int64_t row_heads, int64_t first,
                              int64_t heads) const;
  HeadsView<float> slots_view(const Buffer<float>& buffer, int64_t slots) const;
  /// Of what a Linformer projects: a head's, or those of the layer's input cut as if into heads, for the
  /// threads to share.
  int64_t slot_columns() const;
  HeadsView<float> map_view(const Buffer<float>& buffer, int64_t columns, int64_t row_stride) const;
  Heads self_heads(int64_t layer) const;
  Heads cross_heads() const;
  LayerView view_of(int64_t layer, const LayerWants& wants) const;
  const float* block_input(Norm& norm);
  void end_block(Dense& output, const float* from, Norm& norm);
  void attend(const AttentionShape& shape, const Heads& heads, MatrixView<const float> bias,
              const AttentionTaps& taps);
  MatrixView<const float> bias_of(const Layer& layer) const;
  void attend_with_taps(const AttentionShape& shape, Heads heads, MatrixView<const float> bias,
                        const LayerView& view);
  void project(Layer& layer, int64_t i, const float* x);
  void attend_to_itself(Layer& layer, const LayerView& view);
  void attend_to_encoder(CrossLayer& cross, const LayerView& view);
  void fill_bias(MatrixView<const float> table);
  void feed_forward(Layer& layer, const float* x);
  void run_layer(Layer& layer, const LayerView& view);
  /// Of the residual stream in hidden_.
  MatrixView<const float> run_layers(int64_t first, int64_t layers, std::span<const int64_t> indices,
                                     LayerVisitor* visitor);
  void run_norm(Norm& norm, const float* x, float* y);

  const Model& model_;
  Architecture a_;                             ///< the model's, but for the projection in use
  std::unique_ptr<Mechanism> own_, standard_;  ///< without taps, with them
  Mechanism* mechanism_;                       ///< in use: own_ unless another was given
  LayerAttention* replacement_ = nullptr;
  std::span<const ProjectionWeights> projections_;
  Run& run_;
  std::unique_ptr<InputEmbedding> embedding_;
  std::vector<Layer> layers_;  ///< distinct ones
  Norm final_norm_;
  RotaryTable rotary_;
  SlotProjection projection_;
  std::unique_ptr<ForwardPass> encoder_;
  MatrixView<const float> encoded_ = {};  ///< the encoder's last hidden states
  int64_t batch_ = 0;
  Lengths lengths_;
  bool ends_at_attention_ = false;     ///< the layer at hand, see LayerWants::hidden
  double softmax_seconds_ = 0;         ///< of it
  const float* bias_table_ = nullptr;  ///< what distance_bias_ was made of
  Buffer<float> embeddings_, hidden_;  ///< [b · n, width]
  Buffer<float> normed_;               ///< the same, where norms come first
  Buffer<float> qkv_;                  ///< [b · n, (h + 2 h_kv) · d]
  Buffer<float> cross_;  ///< queries [b · n, h · d], the encoder's keys and values [·, 2 h_kv · d]
  Buffer<float> distance_bias_;            ///< [h, 2n − 1]
  Buffer<float> compressed_;               ///< [b · k, width], where slots are made before keys and values
  Buffer<float> slot_keys_, slot_values_;  ///< [b · k, h_kv · d]
  Buffer<float> context_;                  ///< attention's output [b · n, h · d]
  Buffer<float> inner_;                    ///< [b · n, width of attention_inner]
  Buffer<float> ffn_, gate_;               ///< [b · n, ffn width]
  Buffer<float> logits_, probabilities_;
  RawBuffer workspace_, scratch_;  ///< of the mechanism and projection; of the dense layers and norms
};

}  // namespace linformer
