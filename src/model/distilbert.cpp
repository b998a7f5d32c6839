// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "model/families.h"
#include "model/planner.h"

namespace linformer {
namespace {

// BERT's layers under other names, without token types. Sinusoidal positions are in the file as weights.
class DistilBertPlanner final : public Planner {
 public:
  using Planner::Planner;

  ModelPlan plan() {
    read_config();
    const std::string base = prefix_ + "embeddings.";
    ModelPlan plan{
        .architecture = a_,
        .embeddings = {.words = weight(base + "word_embeddings.weight", {a_.vocabulary, a_.width}),
                       .positions = weight(base + "position_embeddings.weight", {a_.positions, a_.width}),
                       .norm = norm(base + "LayerNorm", a_.width)}};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    if (!has("vocab_transform.weight")) return plan;
    plan.head = HeadRefs{.transform = dense("vocab_transform", a_.width, a_.width),
                         .norm = norm("vocab_layer_norm", a_.width),
                         .activation = a_.activation,
                         .decoder = dense("vocab_projector", a_.vocabulary, a_.width)};
    if (flag("tie_word_embeddings", true)) plan.head->decoder.weight = plan.embeddings.words;
    return plan;
  }

 private:
  void read_config() {
    prefix_ = prefix_of("distilbert.", "embeddings.word_embeddings.weight");
    a_.layers = layer_count("n_layers");
    a_.heads = size("n_heads");
    a_.width = size("dim");
    a_.head_size = split_over_heads("n_heads", a_.heads, a_.width);
    set_usual_attention();
    a_.ffn_width = size("hidden_dim");
    a_.vocabulary = size("vocab_size");
    a_.positions = size("max_position_embeddings", 512);
    a_.activation = activation("activation", "gelu");
    a_.norm_epsilon = 1e-12f;
    a_.init_deviation = real("initializer_range", 0.02);
  }

  LayerRefs layer(int64_t i) const {
    const std::string base = fmt::format("{}transformer.layer.{}.", prefix_, i);
    return {.query = dense(base + "attention.q_lin", a_.width, a_.width),
            .key = dense(base + "attention.k_lin", a_.width, a_.width),
            .value = dense(base + "attention.v_lin", a_.width, a_.width),
            .attention_output = dense(base + "attention.out_lin", a_.width, a_.width),
            .attention_norm = norm(base + "sa_layer_norm", a_.width),
            .ffn_in = dense(base + "ffn.lin1", a_.ffn_width, a_.width),
            .ffn_out = dense(base + "ffn.lin2", a_.width, a_.ffn_width),
            .ffn_norm = norm(base + "output_layer_norm", a_.width)};
  }
};

}  // namespace

ModelPlan plan_distilbert(const Checkpoint& checkpoint) { return DistilBertPlanner(checkpoint).plan(); }

}  // namespace linformer
