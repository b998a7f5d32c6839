// SPDX-License-Identifier: MIT
// What a forward pass takes of memory, and where in it things lie.
#include <algorithm>

#include "model/forward.h"

namespace linformer {
namespace {

int64_t row_stride(const LayerWants& wants, int64_t keys) {
  return wants.row_stride == 0 ? keys : wants.row_stride;
}

}  // namespace

// Floats of the buffers, but for those in bytes.
struct ForwardPass::Sizes {
  int64_t hidden = 0;  ///< embeddings and hidden states each
  int64_t normed = 0, qkv = 0, cross = 0, distance_bias = 0, context = 0, inner = 0, ffn = 0, gate = 0;
  int64_t compressed = 0, slots = 0;  ///< the latter of keys and of values each
  int64_t logits = 0, probabilities = 0, angles = 0;
  int64_t workspace_bytes = 0, scratch_bytes = 0, packed_bytes = 0;

  int64_t bytes() const {
    const int64_t floats = 2 * hidden + normed + qkv + cross + distance_bias + context + inner + ffn + gate +
                           compressed + 2 * slots + logits + probabilities + angles;
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

// Layers with taps and layers without take turns in it.
int64_t ForwardPass::attention_workspace_bytes(const AttentionShape& s, const LayerWants& wants) const {
  const int64_t without = mechanism_->workspace_bytes(s, run_.threads, false);
  if (!wants.logits && !wants.probabilities) return without;
  return std::max(without, standard_->workspace_bytes(s, run_.threads, true));
}

int64_t ForwardPass::most_columns(Lengths n) const {
  return a_.cross ? n.encoder : a_.projection ? a_.most_slots() : n.own;
}

ForwardPass::Sizes ForwardPass::sizes_for(int64_t batch, Lengths n, const LayerWants& wants) {
  const int64_t tokens = batch * n.own, encoder_tokens = encoder_ ? batch * n.encoder : 0;
  const int64_t map = batch * a_.heads * n.own * row_stride(wants, most_columns(n));
  const int64_t query = a_.heads * a_.head_size, key_value = 2 * a_.kv_heads * a_.head_size;
  const int64_t slots = batch * a_.most_slots();
  const bool norm_first = a_.norm_place != NormPlace::kAfter;
  Sizes sizes{.hidden = tokens * a_.width,
              .normed = norm_first ? tokens * a_.width : 0,
              .qkv = tokens * (query + (a_.slots_first() ? 0 : key_value)),
              .cross = encoder_ ? tokens * query + encoder_tokens * key_value : 0,
              .distance_bias = a_.distance_buckets.count > 0 ? a_.heads * (2 * n.own - 1) : 0,
              .context = tokens * query,
              // The embedding works there, too.
              .ffn = std::max(tokens * a_.ffn_width, embedding_->room_floats(tokens)),
              .gate = a_.gated_ffn ? tokens * a_.ffn_width : 0,
              .compressed = a_.slots_first() ? slots * a_.width : 0,
              .slots = slots * key_value / 2,
              .logits = wants.logits ? map : 0,
              .probabilities = wants.probabilities ? map : 0,
              .angles = 2 * n.own * std::ssize(a_.rotary_frequencies),
              .workspace_bytes = attention_workspace_bytes(
                  attention_shape(batch, n.own, std::max({n.own, n.encoder, a_.most_slots()})), wants)};
  embedding_->prepare(tokens);
  final_norm_.prepare(tokens);
  sizes.scratch_bytes = std::max(embedding_->scratch_bytes(), final_norm_.scratch_bytes());
  for (int64_t i = 0; i < model_.layer_count(); ++i) {
    Layer& layer = layer_at(i);
    for (const auto& [dense, rows] : dense_of(layer, batch, n, slots_of(i))) {
      dense->prepare(rows);
      sizes.scratch_bytes = std::max(sizes.scratch_bytes, dense->scratch_bytes());
    }
    if (a_.projection) {
      const ProjectionWeights& p = projections_[static_cast<size_t>(i)];
      for (const DenseWeights* w : {&p.keys, &p.values}) {
        sizes.workspace_bytes =
            std::max(sizes.workspace_bytes,
                     SlotProjection::workspace_bytes(slot_weights(p, *w), slot_columns(), run_.threads));
      }
    }
    if (layer.attention_inner) {
      sizes.inner = std::max(sizes.inner, tokens * layer.weights.attention_inner.weight.rows);
    }
    for (Norm* norm : layer.norms()) {
      norm->prepare(tokens);
      sizes.scratch_bytes = std::max(sizes.scratch_bytes, norm->scratch_bytes());
    }
  }
  sizes.packed_bytes = packed_bytes();
  return sizes;
}

int64_t ForwardPass::packed_bytes() {
  int64_t bytes = embedding_->packed_bytes();
  for (Layer& layer : layers_) {
    for (const auto& [dense, rows] : dense_of(layer, 0, {}, 0)) bytes += dense->packed_bytes();
  }
  return bytes;
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
    for (const auto& [dense, rows] : dense_of(layer, 0, {}, 0)) {
      if (!dense->packed()) dense->pack(memory);
    }
  }
  embeddings_.reserve(memory, sizes.hidden, "embeddings");
  hidden_.reserve(memory, sizes.hidden, "hidden states");
  normed_.reserve(memory, sizes.normed, "normalised hidden states");
  qkv_.reserve(memory, sizes.qkv, "queries, keys and values");
  cross_.reserve(memory, sizes.cross, "queries, keys and values of cross attention");
  distance_bias_.reserve(memory, sizes.distance_bias, "biases by distance");
  compressed_.reserve(memory, sizes.compressed, "projected hidden states");
  slot_keys_.reserve(memory, sizes.slots, "projected keys");
  slot_values_.reserve(memory, sizes.slots, "projected values");
  inner_.reserve(memory, sizes.inner, "inner attention output");
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

int64_t ForwardPass::slot_columns() const {
  if (!a_.slots_first()) return a_.head_size;
  return a_.width % a_.heads == 0 ? a_.width / a_.heads : a_.width;
}

HeadsView<float> ForwardPass::slots_view(const Buffer<float>& buffer, int64_t slots) const {
  return heads_view(buffer.data(), slots, a_.kv_heads, 0, a_.kv_heads);
}

HeadsView<float> ForwardPass::map_view(const Buffer<float>& buffer, int64_t columns, int64_t stride) const {
  const int64_t n = lengths_.own;
  return {buffer.data(), batch_, a_.heads, n, columns, a_.heads * n * stride, n * stride, stride};
}

// What the attention of the stack to itself is over.
ForwardPass::Heads ForwardPass::self_heads(int64_t layer) const {
  const int64_t n = lengths_.own, all = a_.heads + (a_.slots_first() ? 0 : 2 * a_.kv_heads);
  float* const rows = qkv_.data();
  const HeadsView<float> q = heads_view(rows, n, all, 0, a_.heads);
  if (a_.projection) {
    const int64_t slots = a_.columns(layer, n);
    return {.q = q, .k = slots_view(slot_keys_, slots), .v = slots_view(slot_values_, slots)};
  }
  return {.q = q,
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
  const int64_t tokens = batch_ * lengths_.own, keys = columns(layer, lengths_);
  const int64_t stride = row_stride(wants, keys);
  const Heads heads = a_.cross ? cross_heads() : self_heads(layer);
  LayerView view{.layer = layer,
                 .sequences = {},
                 .q = heads.q,
                 .k = heads.k,
                 .v = heads.v,
                 .hidden = {hidden_.data(), tokens, a_.width, a_.width}};
  if (wants.logits) view.logits = map_view(logits_, keys, stride);
  if (wants.probabilities) view.probabilities = map_view(probabilities_, keys, stride);
  if (layer == 0) view.embeddings = {embeddings_.data(), tokens, a_.width, a_.width};
  return view;
}

}  // namespace linformer
