// SPDX-License-Identifier: MIT
#include "model/forward.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"

namespace linformer {
namespace {

Dense make_dense(const DenseWeights& w, Dense::Options options = {}) { return {w.weight, w.bias, options}; }

LayerNorm make_norm(const NormWeights& w, const Architecture& a) {
  return {a.width, w.weight, w.bias, a.norm_epsilon};
}

int64_t row_stride(const LayerWants& wants, int64_t length) {
  return wants.row_stride == 0 ? length : wants.row_stride;
}

}  // namespace

ForwardPass::ForwardPass(const Model& model, std::unique_ptr<Mechanism> mechanism, Run& run)
    : model_(model),
      a_(model.architecture()),
      mechanism_(std::move(mechanism)),
      run_(run),
      embedding_norm_(make_norm(model.embeddings().norm, a_)) {
  for (const LayerWeights& w : model.layers()) {
    layers_.push_back({.qkv = make_dense(w.qkv),
                       .attention_output = make_dense(w.attention_output, {.accumulate = true}),
                       .ffn_in = make_dense(w.ffn_in, {.activation = a_.activation}),
                       .ffn_out = make_dense(w.ffn_out, {.accumulate = true}),
                       .attention_norm = make_norm(w.attention_norm, a_),
                       .ffn_norm = make_norm(w.ffn_norm, a_)});
  }
}

// Floats of the buffers, but for the last three.
struct ForwardPass::Sizes {
  int64_t states = 0;  ///< embeddings, hidden states and attention output each
  int64_t qkv = 0, ffn = 0, logits = 0, probabilities = 0;
  int64_t workspace_bytes = 0, scratch_bytes = 0, packed_bytes = 0;

  int64_t bytes() const {
    return (3 * states + qkv + ffn + logits + probabilities) * static_cast<int64_t>(sizeof(float)) +
           workspace_bytes + scratch_bytes + packed_bytes;
  }
};

AttentionShape ForwardPass::attention_shape(int64_t batch, int64_t length) const {
  return {.batch = batch,
          .heads = a_.heads,
          .queries = length,
          .keys = length,
          .head_size = a_.head_size,
          .value_size = a_.head_size,
          .scale = a_.scale,
          .causal = a_.causal};
}

ForwardPass::Sizes ForwardPass::sizes_for(int64_t batch, int64_t length, const LayerWants& wants) {
  const int64_t tokens = batch * length, map = batch * a_.heads * length * row_stride(wants, length);
  Sizes sizes{.states = tokens * a_.width,
              .qkv = tokens * 3 * a_.width,
              .ffn = tokens * a_.ffn_width,
              .logits = wants.logits ? map : 0,
              .probabilities = wants.probabilities ? map : 0,
              .workspace_bytes = mechanism_->workspace_bytes(attention_shape(batch, length), run_.threads)};
  embedding_norm_.prepare(tokens);
  sizes.scratch_bytes = embedding_norm_.scratch_bytes();
  for (Layer& layer : layers_) {
    for (Dense* dense : {&layer.qkv, &layer.attention_output, &layer.ffn_in, &layer.ffn_out}) {
      dense->prepare(tokens);
      sizes.scratch_bytes = std::max(sizes.scratch_bytes, dense->scratch_bytes());
      sizes.packed_bytes += dense->packed_bytes();
    }
    for (LayerNorm* norm : {&layer.attention_norm, &layer.ffn_norm}) {
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
  for (Layer& layer : layers_) {
    for (Dense* dense : {&layer.qkv, &layer.attention_output, &layer.ffn_in, &layer.ffn_out}) {
      if (!dense->packed()) dense->pack(memory);
    }
  }
  embeddings_.reserve(memory, sizes.states, "embeddings");
  hidden_.reserve(memory, sizes.states, "hidden states");
  context_.reserve(memory, sizes.states, "attention output");
  qkv_.reserve(memory, sizes.qkv, "queries, keys and values");
  ffn_.reserve(memory, sizes.ffn, "feed-forward states");
  logits_.reserve(memory, sizes.logits, "attention logits");
  probabilities_.reserve(memory, sizes.probabilities, "attention probabilities");
  workspace_.reserve(memory, sizes.workspace_bytes, "workspace of attention");
  scratch_.reserve(memory, sizes.scratch_bytes, "scratch of the dense layers");
}

// Word + position + first token type, then a LayerNorm.
void ForwardPass::embed(std::span<const std::span<const int32_t>> sequences) {
  const EmbeddingWeights& e = model_.embeddings();
  parallel_for(run_.threads, batch_ * length_, [&](int64_t token, int) {
    const int64_t position = token % length_;
    const int32_t id = sequences[static_cast<size_t>(token / length_)][static_cast<size_t>(position)];
    if (id < 0 || id >= a_.vocabulary) {
      throw Error(ErrorCode::kInput, {.subject = "token ids",
                                      .item = fmt::format("position {}", position),
                                      .found = fmt::format("id {}", id),
                                      .expected = fmt::format("0 to {}", a_.vocabulary - 1),
                                      .remedy = "Use the tokenizer that belongs to this model"});
    }
    const float* word = e.words.row(id);
    const float* place = e.positions.row(position);
    const float* type = e.types.row(0);
    float* out = embeddings_.data() + token * a_.width;
    for (int64_t j = 0; j < a_.width; ++j) out[j] = word[j] + place[j] + type[j];
  });
  embedding_norm_.run(batch_ * length_, embeddings_.data(), embeddings_.data(), scratch_.data());
}

// Part 0, 1, 2 of [b · n, 3 · width] as heads: Q, K, V.
HeadsView<float> ForwardPass::qkv_view(int64_t part) const {
  const int64_t row = 3 * a_.width;
  return {qkv_.data() + part * a_.width,
          batch_,
          a_.heads,
          length_,
          a_.head_size,
          length_ * row,
          a_.head_size,
          row};
}

HeadsView<float> ForwardPass::map_view(const Buffer<float>& buffer, int64_t stride) const {
  return {buffer.data(),    batch_, a_.heads, length_, length_, a_.heads * length_ * stride,
          length_ * stride, stride};
}

void ForwardPass::attend(const LayerWants& wants) {
  const int64_t stride = row_stride(wants, length_);
  AttentionTaps taps;
  if (wants.logits) taps.logits = map_view(logits_, stride);
  if (wants.probabilities) taps.probabilities = map_view(probabilities_, stride);
  const HeadsView<float> out{context_.data(),    batch_,       a_.heads, length_, a_.head_size,
                             length_ * a_.width, a_.head_size, a_.width};
  mechanism_->run(attention_shape(batch_, length_), {.q = qkv_view(0), .k = qkv_view(1), .v = qkv_view(2)},
                  out, taps, workspace_.span(), run_);
}

// x ← norm(x + attention(x)); x ← norm(x + ffn(x))
void ForwardPass::run_layer(Layer& layer, const LayerWants& wants) {
  const int64_t tokens = batch_ * length_;
  float* const x = hidden_.data();
  void* const scratch = scratch_.data();
  layer.qkv.run(tokens, x, qkv_.data(), scratch);
  attend(wants);
  layer.attention_output.run(tokens, context_.data(), x, scratch);
  layer.attention_norm.run(tokens, x, x, scratch);
  layer.ffn_in.run(tokens, x, ffn_.data(), scratch);
  layer.ffn_out.run(tokens, ffn_.data(), x, scratch);
  layer.ffn_norm.run(tokens, x, x, scratch);
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
  reserve(static_cast<int64_t>(sequences.size()), static_cast<int64_t>(sequences.front().size()), all);
  embed(sequences);
  const int64_t tokens = batch_ * length_;
  std::copy_n(embeddings_.data(), tokens * a_.width, hidden_.data());
  const MatrixView<const float> hidden{hidden_.data(), tokens, a_.width, a_.width};
  for (int64_t i = 0; i < layers; ++i) {
    const LayerWants w = wants(i);
    run_layer(layers_[static_cast<size_t>(i)], w);
    if (visitor == nullptr) continue;
    LayerView view{.layer = i,
                   .sequences = indices,
                   .q = qkv_view(0),
                   .k = qkv_view(1),
                   .v = qkv_view(2),
                   .hidden = hidden};
    if (w.logits) view.logits = map_view(logits_, row_stride(w, length_));
    if (w.probabilities) view.probabilities = map_view(probabilities_, row_stride(w, length_));
    if (i == 0) view.embeddings = {embeddings_.data(), tokens, a_.width, a_.width};
    visitor->on_layer(view);
  }
  return hidden;
}

}  // namespace linformer
