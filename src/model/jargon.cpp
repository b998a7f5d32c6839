// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "io/json.h"
#include "model/families.h"
#include "model/linformer_planner.h"

namespace linformer {
namespace {

// RoBERTa's embeddings, without their norm, over fairseq's linear attention in pre-norm layers.
class JargonPlanner final : public LinformerPlanner {
 public:
  using LinformerPlanner::LinformerPlanner;

  ModelPlan plan() {
    prefix_ = prefix_of("roberta.", "embeddings.word_embeddings.weight");
    read_sizes();
    const std::string embeddings = prefix_ + "embeddings.";
    const int64_t rows = shape_of(embeddings + "position_embeddings.weight", 2)[0];
    ModelPlan plan{
        .architecture = a_,
        .embeddings = {
            .words = weight(embeddings + "word_embeddings.weight", {a_.vocabulary, a_.width}),
            .positions = weight(embeddings + "position_embeddings.weight", {rows, a_.width}),
            .types = weight(embeddings + "token_type_embeddings.weight", {a_.token_types, a_.width})}};
    for (int64_t i = 0; i < a_.layers; ++i) {
      const Shape shape = {a_.projection->k[static_cast<size_t>(i)], shape_of(compress_k(0), 2)[1]};
      plan.layers.push_back(fairseq_layer(kNames, layer_name(i, ""), weight(compress_k(i), shape),
                                          weight(compress_v(i), shape)));
    }
    if (has(prefix_ + "encoder.layer_norm.weight")) {
      plan.final_norm = norm(prefix_ + "encoder.layer_norm", a_.width);
    }
    plan.head = head(plan.embeddings.words);
    return plan;
  }

 private:
  static constexpr LayerNames kNames = {.attention = "attention.",
                                        .attention_norm = "attn_layer_norm",
                                        .ffn_in = "intermediate.dense",
                                        .ffn_out = "output.dense"};

  std::string layer_name(int64_t i, const std::string& name) const {
    return fmt::format("{}encoder.layer.{}.{}", prefix_, i, name);
  }

  void read_sizes() {
    require("add_bias_kv", false), require("add_zero_attn", false);
    a_.layers = count_some([this](int64_t i) { return layer_name(i, "attention.q_proj.weight"); });
    const Shape words = shape_of(prefix_ + "embeddings.word_embeddings.weight", 2);
    a_.vocabulary = words[0];
    a_.width = words[1];
    a_.token_types = shape_of(prefix_ + "embeddings.token_type_embeddings.weight", 2)[0];
    a_.heads = size("encoder_attention_heads", 12);
    a_.head_size = split_over_heads("encoder_attention_heads", a_.heads, a_.width);
    set_usual_attention();
    a_.ffn_width = shape_of(layer_name(0, "intermediate.dense.weight"), 2)[0];
    a_.activation = activation("hidden_act", "relu");
    a_.norm_place = NormPlace::kBefore;
    a_.norm_epsilon = 1e-5f;
    a_.init_deviation = real("initializer_range", 0.02);
    Projection projection{.order = Projection::Order::kBeforeWeights};
    for (int64_t i = 0; i < a_.layers; ++i) projection.k.push_back(shape_of(compress_k(i), 2)[0]);
    a_.projection = projection;
    read_positions();
  }

  void read_positions() {
    const int64_t pad = json_int(config_, "pad_token_id", subject_, 1);
    const int64_t rows = shape_of(prefix_ + "embeddings.position_embeddings.weight", 2)[0];
    a_.positions = std::min(rows - pad - 1, shape_of(compress_k(0), 2)[1]);
    if (pad < 0 || a_.positions < 1) {
      fail(ErrorCode::kInput, "pad_token_id", std::to_string(pad), "less than the rows of positions - 1");
    }
    a_.unplaced_id = pad;
    a_.first_position = pad + 1;
  }

  std::string compress_k(int64_t i) const {
    const std::string shared = prefix_ + "encoder.compress_layer.weight";
    return same_bytes(has(shared) ? shared : layer_name(i, "attention.compress_k.weight"));
  }
  std::string compress_v(int64_t i) const {
    const std::string name = layer_name(i, "attention.compress_v.weight");
    return has(prefix_ + "encoder.compress_layer.weight") || !has(name) ? compress_k(i) : same_bytes(name);
  }

  std::optional<HeadRefs> head(const TensorRef& words) const {
    if (!has("lm_head.dense.weight")) return std::nullopt;
    HeadRefs head{.transform = dense("lm_head.dense", a_.width, a_.width),
                  .norm = norm("lm_head.layer_norm", a_.width),
                  .activation = Activation::kGelu,
                  .decoder = {.weight = words}};
    const std::string decoder = "lm_head.decoder.weight";
    if (has(decoder) && same_bytes(decoder) != same_bytes(words.name)) {
      head.decoder.weight = weight(decoder, {a_.vocabulary, a_.width});
    }
    head.decoder.bias = {.name = "lm_head.bias", .shape = {a_.vocabulary}, .role = TensorRef::Role::kBias};
    return head;
  }
};

}  // namespace

ModelPlan plan_jargon(const Checkpoint& checkpoint) { return JargonPlanner(checkpoint).plan(); }

}  // namespace linformer
