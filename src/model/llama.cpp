// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/json.h"
#include "model/families.h"
#include "model/planner.h"
#include "model/rotary.h"

namespace linformer {
namespace {

// RMS norms before each block, rotary positions, keys and values shared by groups of heads, gated
// feed-forward. Mistral keeps all of it; Qwen2 adds biases to query, key and value.
class LlamaPlanner final : public Planner {
 public:
  using Planner::Planner;

  ModelPlan plan() {
    read_config();
    ModelPlan plan{
        .architecture = a_,
        .embeddings = {.words = weight(prefix_ + "embed_tokens.weight", {a_.vocabulary, a_.width})},
        .final_norm = rms_norm(prefix_ + "norm", a_.width)};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    plan.head = decoder_head(plan.embeddings.words, "lm_head", false);
    return plan;
  }

 private:
  void read_config() {
    prefix_ = prefix_of("model.", "embed_tokens.weight");
    a_.layers = layer_count("num_hidden_layers");
    a_.heads = size("num_attention_heads");
    a_.width = size("hidden_size");
    a_.head_size = size("head_dim", std::max<int64_t>(1, a_.width / a_.heads));
    set_usual_attention();
    a_.kv_heads = size("num_key_value_heads", a_.heads);
    if (a_.heads % a_.kv_heads != 0) {
      fail(ErrorCode::kInput, "num_key_value_heads", std::to_string(a_.kv_heads),
           fmt::format("a divisor of num_attention_heads {}", a_.heads));
    }
    a_.ffn_width = size("intermediate_size");
    a_.vocabulary = size("vocab_size");
    const int64_t positions = size("max_position_embeddings");
    a_.windowed = window() < positions;
    a_.positions = std::min(positions, window());
    a_.activation = activation("hidden_act", "silu");
    a_.gated_ffn = true;
    a_.norm_kind = NormKind::kRms;
    a_.norm_place = NormPlace::kBefore;
    a_.norm_epsilon = real("rms_norm_eps", 1e-6);
    a_.causal = true;
    a_.init_deviation = real("initializer_range", 0.02);
    a_.rotary_frequencies = rotary_frequencies(config_, subject_, {.head_size = a_.head_size});
    input_bias_ = a_.family == "qwen2" || flag("attention_bias", false);
    output_bias_ = a_.family != "qwen2" && flag("attention_bias", false);
    ffn_bias_ = flag("mlp_bias", false);
  }

  // Up to this length a sliding window hides nothing.
  int64_t window() const {
    constexpr int64_t kNone = int64_t{1} << 31, kUnsaid = 4096;
    if (a_.family != "mistral" && !flag("use_sliding_window", false)) return kNone;
    return config_.contains("sliding_window") ? size("sliding_window", kNone) : kUnsaid;
  }

  LayerRefs layer(int64_t i) const {
    const std::string base = fmt::format("{}layers.{}.", prefix_, i), attention = base + "self_attn.";
    const int64_t q = a_.heads * a_.head_size, kv = a_.kv_heads * a_.head_size;
    return {.query = dense(attention + "q_proj", q, a_.width, input_bias_),
            .key = dense(attention + "k_proj", kv, a_.width, input_bias_),
            .value = dense(attention + "v_proj", kv, a_.width, input_bias_),
            .attention_output = dense(attention + "o_proj", a_.width, q, output_bias_),
            .attention_norm = rms_norm(base + "input_layernorm", a_.width),
            .ffn_gate = dense(base + "mlp.gate_proj", a_.ffn_width, a_.width, ffn_bias_),
            .ffn_in = dense(base + "mlp.up_proj", a_.ffn_width, a_.width, ffn_bias_),
            .ffn_out = dense(base + "mlp.down_proj", a_.width, a_.ffn_width, ffn_bias_),
            .ffn_norm = rms_norm(base + "post_attention_layernorm", a_.width)};
  }

  bool input_bias_ = false, output_bias_ = false, ffn_bias_ = false;
};

}  // namespace

ModelPlan plan_llama(const Checkpoint& checkpoint) { return LlamaPlanner(checkpoint).plan(); }

}  // namespace linformer
