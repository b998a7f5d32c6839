// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "model/families.h"
#include "model/planner.h"
#include "model/rotary.h"

namespace linformer {
namespace {

// Pythia's architecture: rotary positions on a part of each head, query, key and value of each head side by
// side in one tensor, attention and feed-forward beside each other.
class GptNeoXPlanner final : public Planner {
 public:
  using Planner::Planner;

  ModelPlan plan() {
    read_config();
    ModelPlan plan{.architecture = a_,
                   .embeddings = {.words = weight(prefix_ + "embed_in.weight", {a_.vocabulary, a_.width})},
                   .final_norm = norm(prefix_ + "final_layer_norm", a_.width)};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    plan.head = decoder_head(plan.embeddings.words, "embed_out", false);
    return plan;
  }

 private:
  void read_config() {
    prefix_ = prefix_of("gpt_neox.", "embed_in.weight");
    a_.layers = layer_count("num_hidden_layers");
    read_usual_sizes();
    a_.activation = activation("hidden_act", "gelu");
    a_.norm_place = flag("use_parallel_residual", true) ? NormPlace::kParallel : NormPlace::kBefore;
    a_.norm_epsilon = real("layer_norm_eps", 1e-5);
    a_.causal = true;
    attention_bias_ = flag("attention_bias", true);
    a_.init_deviation = real("initializer_range", 0.02);
    a_.rotary_frequencies = rotary_frequencies(
        config_, subject_,
        {.head_size = a_.head_size, .share_key = "rotary_pct", .share = 0.25, .base_key = "rotary_emb_base"});
  }

  // Part 0, 1, 2 of every head.
  DenseRefs head_part(const std::string& name, int64_t part) const {
    DenseRefs refs = dense(name, a_.width, a_.width, attention_bias_);
    refs.weight.stored = {3 * a_.width, a_.width};
    if (refs.bias.exists()) refs.bias.stored = {3 * a_.width};
    for (TensorRef* ref : {&refs.weight, &refs.bias}) {
      ref->first = part * a_.head_size;
      ref->block = a_.head_size;
      ref->step = 3 * a_.head_size;
    }
    return refs;
  }

  LayerRefs layer(int64_t i) const {
    const std::string base = fmt::format("{}layers.{}.", prefix_, i);
    const std::string fused = base + "attention.query_key_value";
    return {.query = head_part(fused, 0),
            .key = head_part(fused, 1),
            .value = head_part(fused, 2),
            .attention_output = dense(base + "attention.dense", a_.width, a_.width, attention_bias_),
            .attention_norm = norm(base + "input_layernorm", a_.width),
            .ffn_in = dense(base + "mlp.dense_h_to_4h", a_.ffn_width, a_.width),
            .ffn_out = dense(base + "mlp.dense_4h_to_h", a_.width, a_.ffn_width),
            .ffn_norm = norm(base + "post_attention_layernorm", a_.width)};
  }

  bool attention_bias_ = true;
};

}  // namespace

ModelPlan plan_gpt_neox(const Checkpoint& checkpoint) { return GptNeoXPlanner(checkpoint).plan(); }

}  // namespace linformer
