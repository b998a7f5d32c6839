// SPDX-License-Identifier: MIT
#include "model/forward.h"

#include <algorithm>

#include "base/threads.h"

namespace linformer {
namespace {

Dense make_dense(const DenseWeights& w, Dense::Options options = {}) { return {w.weight, w.bias, options}; }

// Outputs [first, first + count) of a stack.
DenseWeights part(const DenseWeights& w, int64_t first, int64_t count) {
  const MatrixView<const float> m = w.weight;
  return {{m.row(first), count, m.cols, m.stride}, w.bias == nullptr ? nullptr : w.bias + first};
}

int64_t row_stride(const LayerWants& wants, int64_t columns) {
  return wants.row_stride == 0 ? columns : wants.row_stride;
}

bool slots_first(const Architecture& a) {
  return a.projection && a.projection->order == Projection::Order::kBeforeWeights;
}

int64_t most_slots(const Architecture& a) {
  return a.projection ? *std::max_element(a.projection->k.begin(), a.projection->k.end()) : 0;
}

// Columns of the widest P.
int64_t most_columns(const Architecture& a, int64_t length) { return a.projection ? most_slots(a) : length; }

// E or F of a layer.
SlotWeights slot_weights(const Architecture& a, const LayerWeights& layer, const DenseWeights& w) {
  return {.k = layer.slots,
          .weight = w.weight,
          .bias = w.bias,
          .convolution = a.projection->kind == Projection::Kind::kConvolution};
}

}  // namespace

// Where there is a gate, the activation is its.
ForwardPass::Layer::Layer(const LayerWeights& w, const Architecture& a)
    : weights(w),
      qkv(make_dense(slots_first(a) ? part(w.qkv, 0, a.heads * a.head_size) : w.qkv)),
      attention_output(make_dense(w.attention_output, {.accumulate = true})),
      ffn_in(make_dense(w.ffn_in, {.activation = a.gated_ffn ? Activation::kNone : a.activation})),
      ffn_out(make_dense(w.ffn_out, {.accumulate = true})),
      attention_norm(a.norm_kind, a.width, w.attention_norm, a.norm_epsilon),
      ffn_norm(a.norm_kind, a.width, w.ffn_norm, a.norm_epsilon) {
  if (a.gated_ffn) ffn_gate = make_dense(w.ffn_gate, {.activation = a.activation});
  if (w.attention_inner.weight.data != nullptr) attention_inner = make_dense(w.attention_inner);
  if (!slots_first(a)) return;
  const int64_t queries = a.heads * a.head_size, keys = a.kv_heads * a.head_size;
  slot_key = make_dense(part(w.qkv, queries, keys));
  slot_value = make_dense(part(w.qkv, queries + keys, keys));
}

std::vector<Dense*> ForwardPass::Layer::dense() {
  std::vector<Dense*> all = {&qkv, &attention_output, &ffn_in, &ffn_out};
  if (ffn_gate) all.push_back(&*ffn_gate);
  if (attention_inner) all.push_back(&*attention_inner);
  return all;
}

std::vector<Dense*> ForwardPass::Layer::slot_dense() {
  return slot_key ? std::vector<Dense*>{&*slot_key, &*slot_value} : std::vector<Dense*>{};
}

ForwardPass::ForwardPass(const Model& model, std::unique_ptr<Mechanism> mechanism, Run& run)
    : model_(model),
      a_(model.architecture()),
      mechanism_(std::move(mechanism)),
      run_(run),
      embedding_(model),
      final_norm_(a_.norm_kind, a_.width, model.final_norm(), a_.norm_epsilon) {
  for (const LayerWeights& w : model.layers()) layers_.emplace_back(w, a_);
}

// Floats of the buffers, but for the last three.
struct ForwardPass::Sizes {
  int64_t hidden = 0;  ///< embeddings and hidden states each
  int64_t normed = 0, qkv = 0, context = 0, inner = 0, ffn = 0, gate = 0;
  int64_t compressed = 0, slots = 0;  ///< the latter of keys and of values each
  int64_t logits = 0, probabilities = 0, angles = 0;
  int64_t workspace_bytes = 0, scratch_bytes = 0, packed_bytes = 0;

  int64_t bytes() const {
    return (2 * hidden + normed + qkv + context + inner + ffn + gate + compressed + 2 * slots + logits +
            probabilities + angles) *
               static_cast<int64_t>(sizeof(float)) +
           workspace_bytes + scratch_bytes + packed_bytes;
  }
};

AttentionShape ForwardPass::attention_shape(int64_t batch, int64_t length, int64_t columns) const {
  return {.batch = batch,
          .heads = a_.heads,
          .queries = length,
          .keys = columns,
          .head_size = a_.head_size,
          .value_size = a_.head_size,
          .scale = a_.scale,
          .causal = a_.causal};
}

ForwardPass::Sizes ForwardPass::sizes_for(int64_t batch, int64_t length, const LayerWants& wants) {
  const int64_t columns = most_columns(a_, length), stride = row_stride(wants, columns);
  const int64_t tokens = batch * length, map = batch * a_.heads * length * stride;
  const int64_t slots = batch * most_slots(a_), kv_width = a_.kv_heads * a_.head_size;
  const bool norm_first = a_.norm_place != NormPlace::kAfter;
  Sizes sizes{
      .hidden = tokens * a_.width,
      .normed = norm_first ? tokens * a_.width : 0,
      .qkv = tokens * (a_.heads * a_.head_size + (slots_first(a_) ? 0 : 2 * kv_width)),
      .context = tokens * a_.heads * a_.head_size,
      // Embeddings are summed there before they are projected.
      .ffn = std::max(tokens * a_.ffn_width, embedding_.sum_floats(tokens)),
      .gate = a_.gated_ffn ? tokens * a_.ffn_width : 0,
      .compressed = slots_first(a_) ? slots * a_.width : 0,
      .slots = slots * kv_width,
      .logits = wants.logits ? map : 0,
      .probabilities = wants.probabilities ? map : 0,
      .angles = 2 * length * std::ssize(a_.rotary_frequencies),
      .workspace_bytes = mechanism_->workspace_bytes(attention_shape(batch, length, columns), run_.threads)};
  embedding_.prepare(tokens);
  final_norm_.prepare(tokens);
  sizes.scratch_bytes = std::max(embedding_.scratch_bytes(), final_norm_.scratch_bytes());
  sizes.packed_bytes = embedding_.packed_bytes();
  const auto prepare = [&](Dense& dense, int64_t rows) {
    dense.prepare(rows);
    sizes.scratch_bytes = std::max(sizes.scratch_bytes, dense.scratch_bytes());
    sizes.packed_bytes += dense.packed_bytes();
  };
  for (Layer& layer : layers_) {
    for (Dense* dense : layer.dense()) prepare(*dense, tokens);
    for (Dense* dense : layer.slot_dense()) prepare(*dense, batch * layer.weights.slots);
    for (const DenseWeights* w : {&layer.weights.key_projection, &layer.weights.value_projection}) {
      if (w->weight.data == nullptr) continue;
      sizes.workspace_bytes =
          std::max(sizes.workspace_bytes,
                   SlotProjection::workspace_bytes(slot_weights(a_, layer.weights, *w), run_.threads));
    }
    if (layer.attention_inner) {
      sizes.inner = std::max(sizes.inner, tokens * layer.weights.attention_inner.weight.rows);
    }
    for (Norm* norm : {&layer.attention_norm, &layer.ffn_norm}) {
      norm->prepare(tokens);
      sizes.scratch_bytes = std::max(sizes.scratch_bytes, norm->scratch_bytes());
    }
  }
  return sizes;
}

int64_t ForwardPass::buffer_bytes(int64_t batch, int64_t length, const LayerWants& wants) {
  return sizes_for(batch, length, wants).bytes();
}

void ForwardPass::reserve(int64_t batch, int64_t length, const LayerWants& wants) {
  batch_ = batch;
  length_ = length;
  const Sizes sizes = sizes_for(batch, length, wants);
  MemoryAccount& memory = run_.memory;
  embedding_.pack(memory);
  for (Layer& layer : layers_) {
    for (const auto& dense : {layer.dense(), layer.slot_dense()}) {
      for (Dense* one : dense) {
        if (!one->packed()) one->pack(memory);
      }
    }
  }
  embeddings_.reserve(memory, sizes.hidden, "embeddings");
  hidden_.reserve(memory, sizes.hidden, "hidden states");
  normed_.reserve(memory, sizes.normed, "normalised hidden states");
  qkv_.reserve(memory, sizes.qkv, "queries, keys and values");
  compressed_.reserve(memory, sizes.compressed, "projected hidden states");
  slot_keys_.reserve(memory, sizes.slots, "projected keys");
  slot_values_.reserve(memory, sizes.slots, "projected values");
  context_.reserve(memory, sizes.context, "attention output");
  inner_.reserve(memory, sizes.inner, "inner attention output");
  ffn_.reserve(memory, sizes.ffn, "feed-forward states");
  gate_.reserve(memory, sizes.gate, "feed-forward gates");
  logits_.reserve(memory, sizes.logits, "attention logits");
  probabilities_.reserve(memory, sizes.probabilities, "attention probabilities");
  workspace_.reserve(memory, sizes.workspace_bytes, "workspace of attention");
  scratch_.reserve(memory, sizes.scratch_bytes, "scratch of the dense layers");
  if (!a_.rotary_frequencies.empty()) rotary_.prepare(length, a_.rotary_frequencies, memory);
}

// Heads [first, first + heads) of the stacked queries, keys and values.
HeadsView<float> ForwardPass::heads_view(int64_t first, int64_t heads) const {
  const int64_t d = a_.head_size, row = (a_.heads + (slots_first(a_) ? 0 : 2 * a_.kv_heads)) * d;
  return {qkv_.data() + first * d, batch_, heads, length_, d, length_ * row, d, row};
}

HeadsView<float> ForwardPass::slots_view(const Buffer<float>& buffer, int64_t slots) const {
  const int64_t d = a_.head_size, row = a_.kv_heads * d;
  return {buffer.data(), batch_, a_.kv_heads, slots, d, slots * row, d, row};
}

HeadsView<float> ForwardPass::map_view(const Buffer<float>& buffer, int64_t columns, int64_t stride) const {
  return {buffer.data(),    batch_, a_.heads, length_, columns, a_.heads * length_ * stride,
          length_ * stride, stride};
}

LayerView ForwardPass::view_of(int64_t layer, const LayerWants& wants) const {
  const int64_t tokens = batch_ * length_, columns = a_.columns(layer, length_);
  const int64_t stride = row_stride(wants, columns);
  LayerView view{.layer = layer,
                 .sequences = {},
                 .q = heads_view(0, a_.heads),
                 .hidden = {hidden_.data(), tokens, a_.width, a_.width}};
  if (a_.projection) {
    view.k = slots_view(slot_keys_, columns);
    view.v = slots_view(slot_values_, columns);
  } else {
    view.k = heads_view(a_.heads, a_.kv_heads);
    view.v = heads_view(a_.heads + a_.kv_heads, a_.kv_heads);
  }
  if (wants.logits) view.logits = map_view(logits_, columns, stride);
  if (wants.probabilities) view.probabilities = map_view(probabilities_, columns, stride);
  if (layer == 0) view.embeddings = {embeddings_.data(), tokens, a_.width, a_.width};
  return view;
}

// K̄ and V̄ of a Linformer; x [b · n, width] is what the layer's queries are made of.
void ForwardPass::project(Layer& layer, const float* x) {
  const int64_t slots = layer.weights.slots;
  const auto run = [&](const DenseWeights& w, HeadsView<const float> in, HeadsView<float> out) {
    projection_.run(slot_weights(a_, layer.weights, w), in, out, workspace_.span(), run_);
  };
  const DenseWeights &e = layer.weights.key_projection, &f = layer.weights.value_projection;
  if (!slots_first(a_)) {
    run(e, heads_view(a_.heads, a_.kv_heads), slots_view(slot_keys_, slots));
    run(f, heads_view(a_.heads + a_.kv_heads, a_.kv_heads), slots_view(slot_values_, slots));
    return;
  }
  // Columns are cut as if they were heads, for the threads to share.
  const int64_t parts = a_.width % a_.heads == 0 ? a_.heads : 1, d = a_.width / parts;
  const HeadsView<const float> in{x, batch_, parts, length_, d, length_ * a_.width, d, a_.width};
  const HeadsView<float> out{compressed_.data(), batch_, parts, slots, d, slots * a_.width, d, a_.width};
  run(e, in, out);
  layer.slot_key->run(batch_ * slots, compressed_.data(), slot_keys_.data(), scratch_.data());
  if (f.weight.data != e.weight.data) run(f, in, out);
  layer.slot_value->run(batch_ * slots, compressed_.data(), slot_values_.data(), scratch_.data());
}

void ForwardPass::attend(const LayerView& view) {
  if (!a_.rotary_frequencies.empty()) {
    rotary_.rotate(heads_view(0, a_.heads + a_.kv_heads), run_.threads);
  }
  AttentionShape shape = attention_shape(batch_, length_, view.k.rows);
  if (a_.scale_by_layer) shape.scale /= static_cast<float>(view.layer + 1);
  const int64_t row = a_.heads * a_.head_size;
  const HeadsView<float> out{context_.data(), batch_,        a_.heads,     length_,
                             a_.head_size,    length_ * row, a_.head_size, row};
  mechanism_->run(shape, {.q = view.q, .k = view.k, .v = view.v}, out,
                  {.logits = view.logits, .probabilities = view.probabilities}, workspace_.span(), run_);
}

void ForwardPass::feed_forward(Layer& layer, const float* x) {
  const int64_t tokens = batch_ * length_;
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
  norm.run(batch_ * length_, x, y, scratch_.data(), run_.threads);
}

// The three orders of NormPlace; the products that end a block add to the residual stream.
void ForwardPass::run_layer(Layer& layer, const LayerView& view) {
  const int64_t tokens = batch_ * length_;
  float* const x = hidden_.data();
  void* const scratch = scratch_.data();
  const bool norm_first = a_.norm_place != NormPlace::kAfter;
  const float* const in = norm_first ? normed_.data() : x;

  if (norm_first) run_norm(layer.attention_norm, x, normed_.data());
  layer.qkv.run(tokens, in, qkv_.data(), scratch);
  if (a_.projection) project(layer, in);
  if (a_.norm_place == NormPlace::kParallel) {
    run_norm(layer.ffn_norm, x, normed_.data());
    feed_forward(layer, in);
  }
  attend(view);
  const float* context = context_.data();
  if (layer.attention_inner) {
    layer.attention_inner->run(tokens, context, inner_.data(), scratch);
    context = inner_.data();
  }
  layer.attention_output.run(tokens, context, x, scratch);
  if (a_.norm_place == NormPlace::kAfter) run_norm(layer.attention_norm, x, x);
  if (a_.norm_place == NormPlace::kBefore) run_norm(layer.ffn_norm, x, normed_.data());
  if (a_.norm_place != NormPlace::kParallel) feed_forward(layer, in);
  layer.ffn_out.run(tokens, ffn_.data(), x, scratch);
  if (a_.norm_place == NormPlace::kAfter) run_norm(layer.ffn_norm, x, x);
}

MatrixView<const float> ForwardPass::run(std::span<const std::span<const int32_t>> sequences,
                                         std::span<const int64_t> indices, int64_t layers,
                                         LayerVisitor* visitor) {
  const auto wants = [&](int64_t i) { return visitor == nullptr ? LayerWants{} : visitor->wants(i); };
  LayerWants all;
  for (int64_t i = 0; i < layers; ++i) {
    const LayerWants w = wants(i);
    all.logits |= w.logits;
    all.probabilities |= w.probabilities;
    all.row_stride = std::max(all.row_stride, w.row_stride);
  }
  reserve(std::ssize(sequences), std::ssize(sequences.front()), all);
  embedding_.run(sequences, ffn_.data(), embeddings_.data(), scratch_.data(), run_.threads);
  const int64_t tokens = batch_ * length_;
  std::copy_n(embeddings_.data(), tokens * a_.width, hidden_.data());
  MatrixView<const float> last{hidden_.data(), tokens, a_.width, a_.width};
  for (int64_t i = 0; i < layers; ++i) {
    LayerView view = view_of(i, wants(i));
    run_layer(layers_[model_.weights_of_layer(i)], view);
    if (i + 1 == a_.layers) {
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
