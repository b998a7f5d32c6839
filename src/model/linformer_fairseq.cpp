// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <optional>

#include "io/json.h"
#include "model/families.h"
#include "model/linformer_planner.h"

namespace linformer {
namespace {

constexpr const char* kRoots[] = {"encoder.", "decoder."};
constexpr const char* kProbe = "sentence_encoder.layers.0.self_attn.compress_k.weight";

// RoBERTa in fairseq's names. E and F compress the layer's input before key and value are made of it; the
// bias of a compress_layer that all layers share is stored and never applied.
class FairseqPlanner final : public LinformerPlanner {
 public:
  using LinformerPlanner::LinformerPlanner;

  ModelPlan plan() {
    for (const char* root : kRoots) {
      if (has(root + std::string(kProbe))) root_ = root;
    }
    prefix_ = root_ + "sentence_encoder.";
    read_sizes();
    ModelPlan plan{.architecture = a_,
                   .embeddings = {.words = weight(prefix_ + "embed_tokens.weight", {a_.vocabulary, a_.width}),
                                  .positions = weight(prefix_ + "embed_positions.weight",
                                                      {a_.first_position + a_.positions, a_.width}),
                                  .norm = embedding_norm()}};
    for (int64_t i = 0; i < a_.layers; ++i) {
      const Shape shape = {a_.projection->k[static_cast<size_t>(i)], a_.positions};
      plan.layers.push_back(fairseq_layer(kNames, layer_name(i, ""), weight(compress_k(i), shape),
                                          weight(compress_v(i), shape)));
    }
    if (a_.norm_place == NormPlace::kBefore) plan.final_norm = norm(prefix_ + "layer_norm", a_.width);
    plan.head = head(plan.embeddings.words);
    if (!config_.contains("activation_fn")) {
      plan.notes.emplace_back("the activation is not told: gelu is assumed (config.json: \"activation_fn\")");
    }
    if (has(shared_layer() + ".bias") || has(layer_name(0, "self_attn.compress_k.bias"))) {
      plan.notes.emplace_back("the bias of the shared compress_layer is not applied, as in fairseq");
    }
    return plan;
  }

 private:
  static constexpr LayerNames kNames = {
      .attention = "self_attn.", .attention_norm = "self_attn_layer_norm", .ffn_in = "fc1", .ffn_out = "fc2"};

  std::string layer_name(int64_t i, const std::string& name) const {
    return fmt::format("{}layers.{}.{}", prefix_, i, name);
  }
  std::string shared_layer() const { return prefix_ + "compress_layer"; }

  void read_sizes() {
    a_.layers = count_some([this](int64_t i) { return layer_name(i, "self_attn.q_proj.weight"); });
    const Shape words = shape_of(prefix_ + "embed_tokens.weight", 2);
    a_.vocabulary = words[0];
    a_.width = words[1];
    a_.heads = untold_size("encoder_attention_heads", "how many heads they have");
    a_.head_size = split_over_heads("encoder_attention_heads", a_.heads, a_.width);
    set_usual_attention();
    a_.ffn_width = shape_of(layer_name(0, "fc1.weight"), 2)[0];
    a_.activation = activation("activation_fn", "gelu");
    a_.norm_place = has(prefix_ + "layer_norm.weight") ? NormPlace::kBefore : NormPlace::kAfter;
    a_.norm_epsilon = 1e-5f;
    a_.init_deviation = 0.02f;
    require_option("no_scale_embedding", true);
    require_option("no_token_positional_embeddings", false);
    Projection projection{.order = Projection::Order::kBeforeWeights};
    for (int64_t i = 0; i < a_.layers; ++i) projection.k.push_back(shape_of(compress_k(i), 2)[0]);
    a_.projection = projection;
    read_positions();
  }

  // The table has rows up to padding's, one more, and then as many as E has columns.
  void read_positions() {
    a_.positions = shape_of(compress_k(0), 2)[1];
    const int64_t rows = shape_of(prefix_ + "embed_positions.weight", 2)[0];
    const int64_t pad = json_int(config_, "pad", subject_, 1);
    if (pad < 0 || pad >= a_.vocabulary || rows != a_.positions + pad + 1) {
      fail(ErrorCode::kInput, "pad", fmt::format("{}, with {} rows of positions", pad, rows),
           fmt::format("pad + 1 + {} rows, as E has {} columns", a_.positions, a_.positions));
    }
    a_.unplaced_id = pad;
    a_.zero_unplaced = true;
    a_.first_position = pad + 1;
  }

  NormRefs embedding_norm() const {
    for (const char* name : {"layernorm_embedding", "emb_layer_norm"}) {
      if (has(prefix_ + name + std::string(".weight"))) return norm(prefix_ + name, a_.width);
    }
    return {};
  }

  // Old files have a shared_compress_layer in each layer: these were never shared, and compress_k is what was
  // used.
  std::string compress_k(int64_t i) const {
    const bool old = has(layer_name(0, "shared_compress_layer.weight"));
    if (!old && has(shared_layer() + ".weight")) return same_bytes(shared_layer() + ".weight");
    return same_bytes(layer_name(i, "self_attn.compress_k.weight"));
  }
  // Missing where keys and values share.
  std::string compress_v(int64_t i) const {
    const std::string name = layer_name(i, "self_attn.compress_v.weight");
    const std::string keys = compress_k(i);
    const bool shared =
        !has(name) || keys.starts_with(shared_layer()) || has(layer_name(0, "shared_compress_layer.weight"));
    return shared ? keys : same_bytes(name);
  }

  std::optional<HeadRefs> head(const TensorRef& words) const {
    const std::string name = root_ + "lm_head";
    if (!has(name + ".dense.weight")) return std::nullopt;
    HeadRefs head{.transform = dense(name + ".dense", a_.width, a_.width),
                  .norm = norm(name + ".layer_norm", a_.width),
                  .activation = a_.activation,
                  .decoder = {.weight = words}};
    const bool tied = !has(name + ".weight") || same_bytes(name + ".weight") == same_bytes(words.name);
    if (!tied) head.decoder.weight = weight(name + ".weight", {a_.vocabulary, a_.width});
    head.decoder.bias = {.name = name + ".bias", .shape = {a_.vocabulary}, .role = TensorRef::Role::kBias};
    return head;
  }

  std::string root_;
};

}  // namespace

bool is_linformer_fairseq(const Checkpoint& checkpoint) {
  for (const std::string root : kRoots) {
    if (checkpoint.find(root + kProbe) != nullptr) return true;
  }
  return false;
}

ModelPlan plan_linformer_fairseq(const Checkpoint& checkpoint) {
  return FairseqPlanner(checkpoint, "linformer, fairseq").plan();
}

}  // namespace linformer
