// SPDX-License-Identifier: MIT
#include "model/forward.h"

#include <algorithm>

#include "attention/standard.h"
#include "base/error.h"
#include "base/threads.h"
#include "model/distance_bias.h"

namespace linformer {
namespace {

Dense make_dense(const DenseWeights& w, Dense::Options options = {}) { return {w.weight, w.bias, options}; }

// Outputs [first, first + count) of a stack.
DenseWeights part(const DenseWeights& w, int64_t first, int64_t count) {
  const MatrixView<const float> m = w.weight;
  return {{m.row(first), count, m.cols, m.stride}, w.bias == nullptr ? nullptr : w.bias + first};
}

// Without a visitor, what run() returns.
LayerWants wants_of(const LayerVisitor* visitor, int64_t layer) {
  return visitor == nullptr ? LayerWants{.hidden = true} : visitor->wants(layer);
}

}  // namespace

std::vector<int32_t> shifted_right(std::span<const int32_t> ids, int32_t start_id) {
  std::vector<int32_t> shifted = {start_id};
  shifted.insert(shifted.end(), ids.begin(), ids.end());
  shifted.pop_back();
  return shifted;
}

ForwardPass::CrossLayer::CrossLayer(const CrossWeights& w, const Architecture& a)
    : query(make_dense(w.query)),
      key_value(make_dense(w.key_value)),
      output(make_dense(w.output, {.accumulate = true})),
      norm(a.norm_kind, a.width, w.norm, a.norm_epsilon) {}

// Where there is a gate, the activation is its.
ForwardPass::Layer::Layer(const LayerWeights& w, const Architecture& a)
    : weights(w),
      qkv(make_dense(w.qkv)),
      query(make_dense(part(w.qkv, 0, a.heads * a.head_size))),
      key(make_dense(part(w.qkv, a.heads * a.head_size, a.kv_heads * a.head_size))),
      value(make_dense(part(w.qkv, (a.heads + a.kv_heads) * a.head_size, a.kv_heads * a.head_size))),
      attention_output(make_dense(w.attention_output, {.accumulate = true})),
      distance_bias(w.distance_bias),
      ffn_in(make_dense(w.ffn_in, {.activation = a.gated_ffn ? Activation::kNone : a.activation})),
      ffn_out(make_dense(w.ffn_out, {.accumulate = true})),
      attention_norm(a.norm_kind, a.width, w.attention_norm, a.norm_epsilon),
      ffn_norm(a.norm_kind, a.width, w.ffn_norm, a.norm_epsilon) {
  if (a.gated_ffn) ffn_gate = make_dense(w.ffn_gate, {.activation = a.activation});
  if (w.cross) cross.emplace(*w.cross, a);
  if (w.attention_inner.weight.data != nullptr) attention_inner = make_dense(w.attention_inner);
}

std::vector<std::pair<Dense*, int64_t>> ForwardPass::dense_of(Layer& layer, int64_t batch, Lengths n,
                                                              int64_t slots) {
  std::vector<std::pair<Dense*, int64_t>> all;
  const int64_t tokens = batch * n.own;
  for (Dense* dense : {&layer.attention_output, &layer.ffn_in, &layer.ffn_out})
    all.emplace_back(dense, tokens);
  if (layer.ffn_gate) all.emplace_back(&*layer.ffn_gate, tokens);
  if (layer.attention_inner) all.emplace_back(&*layer.attention_inner, tokens);
  if (a_.slots_first()) {
    all.emplace_back(&layer.query, tokens);
    for (Dense* dense : {&layer.key, &layer.value}) all.emplace_back(dense, batch * slots);
  } else {
    all.emplace_back(&layer.qkv, tokens);
  }
  if (layer.cross) {
    for (Dense* dense : {&layer.cross->query, &layer.cross->output}) all.emplace_back(dense, tokens);
    all.emplace_back(&layer.cross->key_value, batch * n.encoder);
  }
  return all;
}

SlotWeights ForwardPass::slot_weights(const ProjectionWeights& p, const DenseWeights& w) const {
  const bool convolution = a_.projection->kind == Projection::Kind::kConvolution;
  return {.kind = convolution ? SlotWeights::Kind::kConvolution : SlotWeights::Kind::kMatrix,
          .k = p.slots,
          .weight = w.weight,
          .bias = w.bias};
}

std::vector<Norm*> ForwardPass::Layer::norms() {
  std::vector<Norm*> all = {&attention_norm, &ffn_norm};
  if (cross) all.push_back(&cross->norm);
  return all;
}

ForwardPass::ForwardPass(const Model& model, std::unique_ptr<Mechanism> mechanism, Run& run)
    : model_(model),
      a_(model.architecture()),
      own_(std::move(mechanism)),
      standard_(make_standard()),
      mechanism_(own_.get()),
      projections_(model.projections()),
      run_(run),
      embedding_(make_input_embedding(model)),
      final_norm_(a_.norm_kind, a_.width, model.final_norm(), a_.norm_epsilon) {
  for (const LayerWeights& w : model.layers()) layers_.emplace_back(w, a_);
  if (model.encoder() == nullptr) return;
  encoder_ = std::make_unique<ForwardPass>(*model.encoder(), make_mechanism(own_->canonical()), run);
}

void ForwardPass::attend_by(Mechanism& mechanism, const DrawnProjection* projection) {
  mechanism_ = &mechanism;
  a_.projection.reset();
  projections_ = {};
  if (projection == nullptr) return;
  a_.projection = projection->how;
  projections_ = projection->layers;
}

// Into the attention output.
void ForwardPass::attend(const AttentionShape& shape, const Heads& heads, MatrixView<const float> bias,
                         const AttentionTaps& taps) {
  Mechanism& mechanism = taps.any() ? *standard_ : *mechanism_;
  mechanism.run(shape, {.q = heads.q, .k = heads.k, .v = heads.v, .distance_bias = bias},
                heads_view(context_.data(), lengths_.own, a_.heads, 0, a_.heads), taps, workspace_.span(),
                run_);
}

// After fill_bias() for the layer.
MatrixView<const float> ForwardPass::bias_of(const Layer& layer) const {
  const int64_t distances = 2 * lengths_.own - 1;
  if (layer.distance_bias.data == nullptr) return {};
  return {distance_bias_.data(), a_.heads, distances, distances};
}

// The attention that visitors see: without an output where the layer ends here, and not at all if they want
// nothing of it.
void ForwardPass::attend_with_taps(const AttentionShape& shape, Heads heads, MatrixView<const float> bias,
                                   const LayerView& view) {
  const AttentionTaps taps{
      .logits = view.logits, .probabilities = view.probabilities, .softmax_seconds = &softmax_seconds_};
  if (ends_at_attention_) {
    if (!taps.any()) return;
    heads.v = {};
  }
  attend(shape, heads, bias, taps);
}

void ForwardPass::fill_bias(MatrixView<const float> table) {
  if (table.data == bias_table_) return;
  bias_table_ = table.data;
  fill_distance_bias(table, a_.distance_buckets, a_.causal, lengths_.own, distance_bias_.data());
}

// K̄ and V̄ of a Linformer; x [b · n, width] is what the layer's queries are made of.
void ForwardPass::project(Layer& layer, int64_t i, const float* x) {
  const ProjectionWeights& weights = projections_[static_cast<size_t>(i)];
  const int64_t slots = weights.slots, n = lengths_.own;
  const auto run = [&](const DenseWeights& w, HeadsView<const float> in, HeadsView<float> out) {
    projection_.run(slot_weights(weights, w), in, {}, out, workspace_.span(), run_);
  };
  const DenseWeights &e = weights.keys, &f = weights.values;
  if (!a_.slots_first()) {
    const int64_t all = a_.heads + 2 * a_.kv_heads;
    run(e, heads_view(qkv_.data(), n, all, a_.heads, a_.kv_heads), slots_view(slot_keys_, slots));
    run(f, heads_view(qkv_.data(), n, all, a_.heads + a_.kv_heads, a_.kv_heads),
        slots_view(slot_values_, slots));
    return;
  }
  const int64_t d = slot_columns(), parts = a_.width / d;
  const HeadsView<const float> in{x, batch_, parts, n, d, n * a_.width, d, a_.width};
  const HeadsView<float> out{compressed_.data(), batch_, parts, slots, d, slots * a_.width, d, a_.width};
  run(e, in, out);
  layer.key.run(batch_ * slots, compressed_.data(), slot_keys_.data(), scratch_.data());
  if (f.weight.data != e.weight.data) run(f, in, out);
  layer.value.run(batch_ * slots, compressed_.data(), slot_values_.data(), scratch_.data());
}

void ForwardPass::attend_to_itself(Layer& layer, const LayerView& view) {
  const int64_t n = lengths_.own;
  if (!a_.rotary_frequencies.empty()) {
    const int64_t rotated = a_.heads + a_.kv_heads;
    rotary_.rotate(heads_view(qkv_.data(), n, rotated + a_.kv_heads, 0, rotated), run_.threads);
  }
  const Heads heads = self_heads(view.layer);
  AttentionShape shape = attention_shape(batch_, n, heads.k.rows);
  shape.causal = a_.causal;
  if (a_.scale_by_layer) shape.scale /= static_cast<float>(view.layer + 1);
  MatrixView<const float> bias;
  if (layer.distance_bias.data != nullptr) {
    fill_bias(layer.distance_bias);
    bias = bias_of(layer);
  }
  if (replacement_ != nullptr && replacement_->replaces(view.layer)) {
    replacement_->run({.layer = view.layer,
                       .shape = shape,
                       .in = {.q = heads.q, .k = heads.k, .v = heads.v, .distance_bias = bias},
                       .out = heads_view(context_.data(), n, a_.heads, 0, a_.heads)});
    return;
  }
  if (a_.cross) return attend(shape, heads, bias, {});
  attend_with_taps(shape, heads, bias, view);
}

void ForwardPass::attend_to_encoder(CrossLayer& cross, const LayerView& view) {
  const int64_t tokens = batch_ * lengths_.own;
  void* const scratch = scratch_.data();
  const Heads heads = cross_heads();
  cross.query.run(tokens, block_input(cross.norm), heads.q.data, scratch);
  cross.key_value.run(encoded_.rows, encoded_.data, heads.k.data, scratch);
  const AttentionShape shape = attention_shape(batch_, lengths_.own, lengths_.encoder);
  if (a_.cross) {
    attend_with_taps(shape, heads, {}, view);
  } else {
    attend(shape, heads, {}, {});
  }
  if (ends_at_attention_) return;
  end_block(cross.output, context_.data(), cross.norm);
}

void ForwardPass::feed_forward(Layer& layer, const float* x) {
  const int64_t tokens = batch_ * lengths_.own;
  layer.ffn_in.run(tokens, x, ffn_.data(), scratch_.data());
  if (!layer.ffn_gate) return;
  layer.ffn_gate->run(tokens, x, gate_.data(), scratch_.data());
  parallel_for(run_.threads, tokens, [&](int64_t token, int) {
    float* const row = ffn_.data() + token * a_.ffn_width;
    const float* const gate = gate_.data() + token * a_.ffn_width;
    for (int64_t j = 0; j < a_.ffn_width; ++j) row[j] *= gate[j];
  });
}

void ForwardPass::run_norm(Norm& norm, const float* x, float* y) {
  norm.run(batch_ * lengths_.own, x, y, scratch_.data(), run_.threads);
}

// The residual stream, or its norm where norms come first.
const float* ForwardPass::block_input(Norm& norm) {
  if (a_.norm_place == NormPlace::kAfter) return hidden_.data();
  run_norm(norm, hidden_.data(), normed_.data());
  return normed_.data();
}

// Adds the product that ends a block to the residual stream.
void ForwardPass::end_block(Dense& output, const float* from, Norm& norm) {
  output.run(batch_ * lengths_.own, from, hidden_.data(), scratch_.data());
  if (a_.norm_place == NormPlace::kAfter) run_norm(norm, hidden_.data(), hidden_.data());
}

// The three orders of NormPlace.
void ForwardPass::run_layer(Layer& layer, const LayerView& view) {
  const bool parallel = a_.norm_place == NormPlace::kParallel;
  const float* const in = block_input(layer.attention_norm);
  Dense& projected = a_.slots_first() ? layer.query : layer.qkv;
  projected.run(batch_ * lengths_.own, in, qkv_.data(), scratch_.data());
  if (a_.projection) project(layer, view.layer, in);
  if (parallel && !ends_at_attention_) feed_forward(layer, block_input(layer.ffn_norm));
  attend_to_itself(layer, view);
  if (ends_at_attention_ && !a_.cross) return;
  const float* context = context_.data();
  if (layer.attention_inner) {
    layer.attention_inner->run(batch_ * lengths_.own, context, inner_.data(), scratch_.data());
    context = inner_.data();
  }
  end_block(layer.attention_output, context, layer.attention_norm);
  if (layer.cross) attend_to_encoder(*layer.cross, view);
  if (ends_at_attention_) return;
  if (!parallel) feed_forward(layer, block_input(layer.ffn_norm));
  end_block(layer.ffn_out, ffn_.data(), layer.ffn_norm);
}

void ForwardPass::encode(const ModelInput& input) {
  encoded_ = encoder_->run(input, {}, encoder_->a_.layers, nullptr);
}

MatrixView<const float> ForwardPass::run(const ModelInput& input, std::span<const int64_t> indices,
                                         int64_t layers, LayerVisitor* visitor) {
  LayerWants all;
  for (int64_t i = 0; i < layers; ++i) {
    const LayerWants w = wants_of(visitor, i);
    all.logits |= w.logits;
    all.probabilities |= w.probabilities;
    all.row_stride = std::max(all.row_stride, w.row_stride);
  }
  const InputSize size = embedding_->size_of(input);
  if (encoder_ && encoded_.data == nullptr) {
    throw Error(ErrorCode::kInternal, {.subject = "forward pass", .found = "a decoder without encode()"});
  }
  reserve(size.batch, {size.length, encoded_.rows / size.batch}, all);
  embedding_->run(input, ffn_.data(), embeddings_.data(), scratch_.data(), run_.threads);
  std::copy_n(embeddings_.data(), batch_ * lengths_.own * a_.width, hidden_.data());
  return run_layers(0, layers, indices, visitor);
}

MatrixView<const float> ForwardPass::run_from(int64_t first, const StateBatch& input) {
  reserve(input.batch, {input.states.rows / input.batch, 0}, {});
  for (int64_t i = 0; i < input.states.rows; ++i) {
    std::copy_n(input.states.row(i), a_.width, hidden_.data() + i * a_.width);
  }
  return run_layers(first, model_.layer_count(), {}, nullptr);
}

MatrixView<const float> ForwardPass::run_layers(int64_t first, int64_t layers,
                                                std::span<const int64_t> indices, LayerVisitor* visitor) {
  MatrixView<const float> last{hidden_.data(), batch_ * lengths_.own, a_.width, a_.width};
  for (int64_t i = first; i < layers; ++i) {
    const LayerWants wants = wants_of(visitor, i);
    LayerView view = view_of(i, wants);
    ends_at_attention_ = i + 1 == layers && !wants.hidden;
    if (ends_at_attention_) {
      view.hidden = {};
      last = {};
    }
    softmax_seconds_ = 0;
    run_layer(layer_at(i), view);
    view.softmax_seconds = softmax_seconds_;
    if (!a_.cross) view.distance_bias = bias_of(layer_at(i));
    if (i + 1 == a_.layers && !ends_at_attention_) {
      if (final_norm_.exists()) {
        run_norm(final_norm_, hidden_.data(), normed_.data());
        last.data = normed_.data();
      }
      view.final_hidden = last;
    }
    if (visitor == nullptr) continue;
    view.sequences = indices;
    visitor->on_layer(view);
  }
  return last;
}

}  // namespace linformer
