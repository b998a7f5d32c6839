// SPDX-License-Identifier: MIT
#include "model/bert_like.h"

#include <fmt/format.h>

namespace linformer {

void BertLikePlanner::read_config(const std::string& prefix, const char* usual_activation) {
  require("position_embedding_type", "absolute");
  require("is_decoder", false);
  require("add_cross_attention", false);
  prefix_ = prefix_of(prefix, "embeddings.word_embeddings.weight");
  read_usual_sizes();
  a_.token_types = size("type_vocab_size", 2);
  a_.activation = activation("hidden_act", usual_activation);
  a_.norm_epsilon = real("layer_norm_eps", 1e-12);
  a_.init_deviation = real("initializer_range", 0.02);
}

EmbeddingRefs BertLikePlanner::embeddings() const {
  const std::string base = prefix_ + "embeddings.";
  const int64_t width = a_.embedding_width;
  return {.words = weight(base + "word_embeddings.weight", {a_.vocabulary, width}),
          .positions = weight(base + "position_embeddings.weight", {a_.first_position + a_.positions, width}),
          .types = weight(base + "token_type_embeddings.weight", {a_.token_types, width}),
          .norm = norm(base + "LayerNorm", width)};
}

LayerRefs BertLikePlanner::layer(int64_t i) const {
  const std::string base = fmt::format("{}encoder.layer.{}.", prefix_, i);
  return {.query = dense(base + "attention.self.query", a_.width, a_.width),
          .key = dense(base + "attention.self.key", a_.width, a_.width),
          .value = dense(base + "attention.self.value", a_.width, a_.width),
          .attention_output = dense(base + "attention.output.dense", a_.width, a_.width),
          .attention_norm = norm(base + "attention.output.LayerNorm", a_.width),
          .ffn_in = dense(base + "intermediate.dense", a_.ffn_width, a_.width),
          .ffn_out = dense(base + "output.dense", a_.width, a_.ffn_width),
          .ffn_norm = norm(base + "output.LayerNorm", a_.width)};
}

std::optional<HeadRefs> BertLikePlanner::head(const HeadNames& names, Activation activation) const {
  const bool tied = flag("tie_word_embeddings", true);
  if (!has(names.transform + ".weight") || (!tied && !has(names.decoder + ".weight"))) return std::nullopt;
  const int64_t width = a_.embedding_width;
  HeadRefs head{.transform = dense(names.transform, width, a_.width),
                .norm = norm(names.norm, width),
                .activation = activation,
                .decoder = dense(names.decoder, a_.vocabulary, width)};
  if (tied) head.decoder.weight = embeddings().words;
  if (!has(head.decoder.bias.name)) head.decoder.bias.name = names.bias;
  return head;
}

ModelPlan BertLikePlanner::plan_with(std::optional<HeadRefs> head) const {
  ModelPlan plan{.architecture = a_, .embeddings = embeddings(), .head = std::move(head)};
  for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
  return plan;
}

}  // namespace linformer
