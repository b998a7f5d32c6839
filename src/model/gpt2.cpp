// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "model/families.h"
#include "model/planner.h"

namespace linformer {
namespace {

// Pre-norm and causal; weights are stored [in, out], query, key and value fused. The buffers attn.bias and
// attn.masked_bias hold the causal mask.
class Gpt2Planner final : public Planner {
 public:
  using Planner::Planner;

  ModelPlan plan() {
    read_config();
    ModelPlan plan{.architecture = a_,
                   .embeddings = {.words = weight(prefix_ + "wte.weight", {a_.vocabulary, a_.width}),
                                  .positions = weight(prefix_ + "wpe.weight", {a_.positions, a_.width})},
                   .final_norm = norm(prefix_ + "ln_f", a_.width)};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    plan.head = decoder_head(plan.embeddings.words, "lm_head", true);
    return plan;
  }

 private:
  void read_config() {
    require("add_cross_attention", false);
    prefix_ = prefix_of("transformer.", "wte.weight");
    a_.layers = layer_count("n_layer");
    a_.heads = size("n_head");
    a_.width = size("n_embd");
    a_.head_size = split_over_heads("n_head", a_.heads, a_.width);
    set_usual_attention();
    if (!flag("scale_attn_weights", true)) a_.scale = 1;
    a_.scale_by_layer = flag("scale_attn_by_inverse_layer_idx", false);
    a_.ffn_width = size("n_inner", 4 * a_.width);
    a_.vocabulary = size("vocab_size");
    a_.positions = size("n_positions");
    a_.activation = activation("activation_function", "gelu_new");
    a_.norm_place = NormPlace::kBefore;
    a_.norm_epsilon = real("layer_norm_epsilon", 1e-5);
    a_.causal = true;
    a_.init_deviation = real("initializer_range", 0.02);
  }

  // Outputs first .. first + out − 1 of `stored_out`.
  DenseRefs conv1d(const std::string& name, int64_t out, int64_t in, int64_t first,
                   int64_t stored_out) const {
    DenseRefs refs = dense(name, out, in);
    refs.weight.stored = {in, stored_out};
    refs.weight.transposed = true;
    refs.bias.stored = {stored_out};
    refs.weight.first = refs.bias.first = first;
    return refs;
  }

  LayerRefs layer(int64_t i) const {
    const std::string base = fmt::format("{}h.{}.", prefix_, i);
    const int64_t width = a_.width;
    const auto part = [&](int64_t p) {
      return conv1d(base + "attn.c_attn", width, width, p * width, 3 * width);
    };
    return {.query = part(0),
            .key = part(1),
            .value = part(2),
            .attention_output = conv1d(base + "attn.c_proj", width, width, 0, width),
            .attention_norm = norm(base + "ln_1", width),
            .ffn_in = conv1d(base + "mlp.c_fc", a_.ffn_width, width, 0, a_.ffn_width),
            .ffn_out = conv1d(base + "mlp.c_proj", width, a_.ffn_width, 0, width),
            .ffn_norm = norm(base + "ln_2", width)};
  }
};

}  // namespace

ModelPlan plan_gpt2(const Checkpoint& checkpoint) { return Gpt2Planner(checkpoint).plan(); }

}  // namespace linformer
