// SPDX-License-Identifier: MIT
#include "model/forward.h"

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"
#include "model/distance_bias.h"

namespace linformer {
namespace {

Dense make_dense(const DenseWeights& w, Dense::Options options = {}) { return {w.weight, w.bias, options}; }

int64_t row_stride(const LayerWants& wants, int64_t keys) {
  return wants.row_stride == 0 ? keys : wants.row_stride;
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
    : qkv(make_dense(w.qkv)),
      attention_output(make_dense(w.attention_output, {.accumulate = true})),
      distance_bias(w.distance_bias),
      ffn_in(make_dense(w.ffn_in, {.activation = a.gated_ffn ? Activation::kNone : a.activation})),
      ffn_out(make_dense(w.ffn_out, {.accumulate = true})),
      attention_norm(a.norm_kind, a.width, w.attention_norm, a.norm_epsilon),
      ffn_norm(a.norm_kind, a.width, w.ffn_norm, a.norm_epsilon) {
  if (a.gated_ffn) ffn_gate = make_dense(w.ffn_gate, {.activation = a.activation});
  if (w.cross) cross.emplace(*w.cross, a);
}

std::vector<std::pair<Dense*, int64_t>> ForwardPass::Layer::dense(int64_t tokens, int64_t encoder_tokens) {
  std::vector<std::pair<Dense*, int64_t>> all;
  for (Dense* dense : {&qkv, &attention_output, &ffn_in, &ffn_out}) all.emplace_back(dense, tokens);
  if (ffn_gate) all.emplace_back(&*ffn_gate, tokens);
  if (!cross) return all;
  all.emplace_back(&cross->query, tokens), all.emplace_back(&cross->output, tokens);
  all.emplace_back(&cross->key_value, encoder_tokens);
  return all;
}

std::vector<Norm*> ForwardPass::Layer::norms() {
  std::vector<Norm*> all = {&attention_norm, &ffn_norm};
  if (cross) all.push_back(&cross->norm);
  return all;
}

ForwardPass::ForwardPass(const Model& model, std::unique_ptr<Mechanism> mechanism, Run& run)
    : model_(model),
      a_(model.architecture()),
      mechanism_(std::move(mechanism)),
      run_(run),
      embedding_(make_input_embedding(model)),
      final_norm_(a_.norm_kind, a_.width, model.final_norm(), a_.norm_epsilon) {
  for (const LayerWeights& w : model.layers()) layers_.emplace_back(w, a_);
  if (model.encoder() == nullptr) return;
  encoder_ = std::make_unique<ForwardPass>(*model.encoder(), make_mechanism(mechanism_->canonical()), run);
}

// Floats of the buffers, but for those in bytes.
struct ForwardPass::Sizes {
  int64_t hidden = 0;  ///< embeddings and hidden states each
  int64_t normed = 0, qkv = 0, cross = 0, distance_bias = 0, context = 0, ffn = 0, gate = 0;
  int64_t logits = 0, probabilities = 0, angles = 0;
  int64_t workspace_bytes = 0, scratch_bytes = 0, packed_bytes = 0;

  int64_t bytes() const {
    const int64_t floats = 2 * hidden + normed + qkv + cross + distance_bias + context + ffn + gate + logits +
                           probabilities + angles;
    return floats * static_cast<int64_t>(sizeof(float)) + workspace_bytes + scratch_bytes + packed_bytes;
  }
};

// Of the attention of the stack to itself, but for the mask.
AttentionShape ForwardPass::attention_shape(int64_t batch, int64_t queries, int64_t keys) const {
  return {.batch = batch,
          .heads = a_.heads,
          .queries = queries,
          .keys = keys,
          .head_size = a_.head_size,
          .value_size = a_.head_size,
          .scale = a_.scale};
}

ForwardPass::Sizes ForwardPass::sizes_for(int64_t batch, Lengths n, const LayerWants& wants) {
  const int64_t tokens = batch * n.own, encoder_tokens = encoder_ ? batch * n.encoder : 0;
  const int64_t map = batch * a_.heads * n.own * row_stride(wants, keys_looked_at(n));
  const int64_t query = a_.heads * a_.head_size, key_value = 2 * a_.kv_heads * a_.head_size;
  const bool norm_first = a_.norm_place != NormPlace::kAfter;
  Sizes sizes{.hidden = tokens * a_.width,
              .normed = norm_first ? tokens * a_.width : 0,
              .qkv = tokens * (query + key_value),
              .cross = encoder_ ? tokens * query + encoder_tokens * key_value : 0,
              .distance_bias = a_.distance_buckets.count > 0 ? a_.heads * (2 * n.own - 1) : 0,
              .context = tokens * query,
              // The embedding works there, too.
              .ffn = std::max(tokens * a_.ffn_width, embedding_->room_floats(tokens)),
              .gate = a_.gated_ffn ? tokens * a_.ffn_width : 0,
              .logits = wants.logits ? map : 0,
              .probabilities = wants.probabilities ? map : 0,
              .angles = 2 * n.own * std::ssize(a_.rotary_frequencies),
              .workspace_bytes = mechanism_->workspace_bytes(
                  attention_shape(batch, n.own, std::max(n.own, n.encoder)), run_.threads)};
  embedding_->prepare(tokens);
  final_norm_.prepare(tokens);
  sizes.scratch_bytes = std::max(embedding_->scratch_bytes(), final_norm_.scratch_bytes());
  sizes.packed_bytes = embedding_->packed_bytes();
  for (Layer& layer : layers_) {
    for (const auto& [dense, rows] : layer.dense(tokens, encoder_tokens)) {
      dense->prepare(rows);
      sizes.scratch_bytes = std::max(sizes.scratch_bytes, dense->scratch_bytes());
      sizes.packed_bytes += dense->packed_bytes();
    }
    for (Norm* norm : layer.norms()) {
      norm->prepare(tokens);
      sizes.scratch_bytes = std::max(sizes.scratch_bytes, norm->scratch_bytes());
    }
  }
  return sizes;
}

int64_t ForwardPass::buffer_bytes(int64_t batch, int64_t length, const LayerWants& wants) {
  const int64_t encoder_length = encoder_ ? length : 0;
  return sizes_for(batch, {length, encoder_length}, wants).bytes() +
         (encoder_ ? encoder_->buffer_bytes(batch, length, {}) : 0);
}

void ForwardPass::reserve(int64_t batch, Lengths lengths, const LayerWants& wants) {
  batch_ = batch;
  lengths_ = lengths;
  bias_table_ = nullptr;
  const Sizes sizes = sizes_for(batch, lengths, wants);
  MemoryAccount& memory = run_.memory;
  embedding_->pack(memory);
  for (Layer& layer : layers_) {
    for (const auto& [dense, rows] : layer.dense(0, 0)) {
      if (!dense->packed()) dense->pack(memory);
    }
  }
  embeddings_.reserve(memory, sizes.hidden, "embeddings");
  hidden_.reserve(memory, sizes.hidden, "hidden states");
  normed_.reserve(memory, sizes.normed, "normalised hidden states");
  qkv_.reserve(memory, sizes.qkv, "queries, keys and values");
  cross_.reserve(memory, sizes.cross, "queries, keys and values of cross attention");
  distance_bias_.reserve(memory, sizes.distance_bias, "biases by distance");
  context_.reserve(memory, sizes.context, "attention output");
  ffn_.reserve(memory, sizes.ffn, "feed-forward states");
  gate_.reserve(memory, sizes.gate, "feed-forward gates");
  logits_.reserve(memory, sizes.logits, "attention logits");
  probabilities_.reserve(memory, sizes.probabilities, "attention probabilities");
  workspace_.reserve(memory, sizes.workspace_bytes, "workspace of attention");
  scratch_.reserve(memory, sizes.scratch_bytes, "scratch of the dense layers");
  if (!a_.rotary_frequencies.empty()) rotary_.prepare(lengths.own, a_.rotary_frequencies, memory);
}

// Heads [first, first + heads) of rows [b · length, row_heads · d].
HeadsView<float> ForwardPass::heads_view(float* rows, int64_t length, int64_t row_heads, int64_t first,
                                         int64_t heads) const {
  const int64_t d = a_.head_size, row = row_heads * d;
  return {rows + first * d, batch_, heads, length, d, length * row, d, row};
}

HeadsView<float> ForwardPass::map_view(const Buffer<float>& buffer, int64_t stride) const {
  const int64_t n = lengths_.own;
  return {buffer.data(),         batch_,     a_.heads, n, keys_looked_at(lengths_),
          a_.heads * n * stride, n * stride, stride};
}

ForwardPass::Heads ForwardPass::self_heads() const {
  const int64_t n = lengths_.own, all = a_.heads + 2 * a_.kv_heads;
  float* const rows = qkv_.data();
  return {.q = heads_view(rows, n, all, 0, a_.heads),
          .k = heads_view(rows, n, all, a_.heads, a_.kv_heads),
          .v = heads_view(rows, n, all, a_.heads + a_.kv_heads, a_.kv_heads)};
}

ForwardPass::Heads ForwardPass::cross_heads() const {
  float* const key_value = cross_.data() + batch_ * lengths_.own * a_.heads * a_.head_size;
  return {.q = heads_view(cross_.data(), lengths_.own, a_.heads, 0, a_.heads),
          .k = heads_view(key_value, lengths_.encoder, 2 * a_.kv_heads, 0, a_.kv_heads),
          .v = heads_view(key_value, lengths_.encoder, 2 * a_.kv_heads, a_.kv_heads, a_.kv_heads)};
}

LayerView ForwardPass::view_of(int64_t layer, const LayerWants& wants) const {
  const int64_t tokens = batch_ * lengths_.own, stride = row_stride(wants, keys_looked_at(lengths_));
  const Heads heads = a_.cross ? cross_heads() : self_heads();
  LayerView view{.layer = layer,
                 .sequences = {},
                 .q = heads.q,
                 .k = heads.k,
                 .v = heads.v,
                 .hidden = {hidden_.data(), tokens, a_.width, a_.width}};
  if (wants.logits) view.logits = map_view(logits_, stride);
  if (wants.probabilities) view.probabilities = map_view(probabilities_, stride);
  if (layer == 0) view.embeddings = {embeddings_.data(), tokens, a_.width, a_.width};
  return view;
}

// Into the attention output.
void ForwardPass::attend(const AttentionShape& shape, const Heads& heads, MatrixView<const float> bias,
                         const AttentionTaps& taps) {
  mechanism_->run(shape, {.q = heads.q, .k = heads.k, .v = heads.v, .distance_bias = bias},
                  heads_view(context_.data(), lengths_.own, a_.heads, 0, a_.heads), taps, workspace_.span(),
                  run_);
}

void ForwardPass::fill_bias(MatrixView<const float> table) {
  if (table.data == bias_table_) return;
  bias_table_ = table.data;
  fill_distance_bias(table, a_.distance_buckets, a_.causal, lengths_.own, distance_bias_.data());
}

void ForwardPass::attend_to_itself(Layer& layer, const LayerView& view) {
  const int64_t n = lengths_.own;
  if (!a_.rotary_frequencies.empty()) {
    const int64_t rotated = a_.heads + a_.kv_heads;
    rotary_.rotate(heads_view(qkv_.data(), n, rotated + a_.kv_heads, 0, rotated), run_.threads);
  }
  AttentionShape shape = attention_shape(batch_, n, n);
  shape.causal = a_.causal;
  if (a_.scale_by_layer) shape.scale /= static_cast<float>(view.layer + 1);
  MatrixView<const float> bias;
  if (layer.distance_bias.data != nullptr) {
    fill_bias(layer.distance_bias);
    bias = {distance_bias_.data(), a_.heads, 2 * n - 1, 2 * n - 1};
  }
  AttentionTaps taps;
  if (!a_.cross) taps = {.logits = view.logits, .probabilities = view.probabilities};
  attend(shape, self_heads(), bias, taps);
}

void ForwardPass::attend_to_encoder(CrossLayer& cross, const LayerView& view) {
  const int64_t tokens = batch_ * lengths_.own;
  void* const scratch = scratch_.data();
  const Heads heads = cross_heads();
  cross.query.run(tokens, block_input(cross.norm), heads.q.data, scratch);
  cross.key_value.run(encoded_.rows, encoded_.data, heads.k.data, scratch);
  AttentionTaps taps;
  if (a_.cross) taps = {.logits = view.logits, .probabilities = view.probabilities};
  attend(attention_shape(batch_, lengths_.own, lengths_.encoder), heads, {}, taps);
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
  layer.qkv.run(batch_ * lengths_.own, in, qkv_.data(), scratch_.data());
  if (parallel) feed_forward(layer, block_input(layer.ffn_norm));
  attend_to_itself(layer, view);
  end_block(layer.attention_output, context_.data(), layer.attention_norm);
  if (layer.cross) attend_to_encoder(*layer.cross, view);
  if (!parallel) feed_forward(layer, block_input(layer.ffn_norm));
  end_block(layer.ffn_out, ffn_.data(), layer.ffn_norm);
}

void ForwardPass::encode(const ModelInput& input) {
  encoded_ = encoder_->run(input, {}, encoder_->a_.layers, nullptr);
}

MatrixView<const float> ForwardPass::run(const ModelInput& input, std::span<const int64_t> indices,
                                         int64_t layers, LayerVisitor* visitor) {
  const auto wants = [&](int64_t i) { return visitor == nullptr ? LayerWants{} : visitor->wants(i); };
  LayerWants all;
  for (int64_t i = 0; i < layers; ++i) {
    const LayerWants w = wants(i);
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
  const int64_t tokens = batch_ * lengths_.own;
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
