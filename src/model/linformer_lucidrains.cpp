// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cmath>

#include "model/families.h"
#include "model/linformer_planner.h"

namespace linformer {
namespace {

constexpr const char* kLayers = "net.layers.0.0.fn.proj_k";
constexpr const char* kBlocks = "net.blocks.0.f.net.fn.proj_k";

// LinformerLM: pre-norm without a final norm; to_q, to_k and to_v have no bias; proj_k and proj_v are stored
// [n, k]. share_kv: the values are the keys.
class LucidrainsPlanner final : public LinformerPlanner {
 public:
  using LinformerPlanner::LinformerPlanner;

  ModelPlan plan() {
    read_sizes();
    ModelPlan plan{.architecture = {},
                   .embeddings = {.words = embedding("token_emb", a_.vocabulary, a_.width),
                                  .positions = embedding("pos_emb", a_.positions, a_.width)}};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    if (has("to_logits.weight")) {
      plan.head = HeadRefs{.decoder = linear("to_logits", a_.vocabulary, a_.width)};
    }
    plan.architecture = a_;
    return plan;
  }

 private:
  static std::string block(int64_t i, const char* name) {
    return fmt::format("linformer.net.layers.{}.{}", i, name);
  }

  void read_sizes() {
    for (const char* probe : {"linformer.net.blocks.0.f.net.fn.proj_k", kBlocks}) {
      if (has(probe)) unsupported("a model with reversible = True", "reversible = False");
    }
    if (!has("token_emb.weight") || !has("pos_emb.weight") || !has("linformer." + std::string(kLayers))) {
      unsupported("layers without embeddings (class Linformer)", "a whole model (class LinformerLM)");
    }
    a_.layers = count_some([](int64_t i) { return block(i, "0.fn.to_q.weight"); });
    const Shape words = shape_of("token_emb.weight", 2);
    a_.vocabulary = words[0];
    a_.width = words[1];
    a_.positions = shape_of("pos_emb.weight", 2)[0];
    read_heads();
    a_.ffn_width = shape_of(block(0, "1.fn.w1.weight"), 2)[0];
    a_.norm_place = NormPlace::kBefore;
    a_.norm_epsilon = 1e-5f;
    Projection projection;
    for (int64_t i = 0; i < a_.layers; ++i) {
      projection.k.push_back(shape_of(block(i, "0.fn.proj_k"), 2)[1]);
    }
    a_.projection = projection;
  }

  void read_heads() {
    const int64_t queries = shape_of(block(0, "0.fn.to_q.weight"), 2)[0];
    const int64_t keys = shape_of(block(0, "0.fn.to_k.weight"), 2)[0];
    // With one_kv_head the keys are as wide as a head.
    a_.heads = keys < queries && !config_.contains("heads")
                   ? std::max<int64_t>(queries / keys, 1)
                   : untold_size("heads", "how many heads they have");
    a_.head_size = split_over_heads("heads", a_.heads, queries);
    set_usual_attention();
    a_.kv_heads = keys / a_.head_size;
    if (keys != queries && keys != a_.head_size) {
      fail(ErrorCode::kInput, "heads", std::to_string(a_.heads),
           fmt::format("{}, since keys are {} wide and queries {}", queries / keys, keys, queries));
    }
  }

  DenseRefs projection(int64_t i, const char* name) const {
    const int64_t k = a_.projection->k[static_cast<size_t>(i)];
    TensorRef ref = weight(block(i, name), {k, a_.positions});
    ref.stored = {a_.positions, k};
    ref.transposed = true;
    ref.untrained = 1 / std::sqrt(3 * static_cast<float>(k));
    return {.weight = ref};
  }

  LayerRefs layer(int64_t i) const {
    const int64_t queries = a_.heads * a_.head_size, keys = a_.kv_heads * a_.head_size;
    const bool shared = !has(block(i, "0.fn.to_v.weight"));
    return {.query = linear(block(i, "0.fn.to_q"), queries, a_.width, false),
            .key = linear(block(i, "0.fn.to_k"), keys, a_.width, false),
            .value = linear(block(i, shared ? "0.fn.to_k" : "0.fn.to_v"), keys, a_.width, false),
            .key_projection = projection(i, "0.fn.proj_k"),
            .value_projection = projection(i, shared ? "0.fn.proj_k" : "0.fn.proj_v"),
            .attention_output = linear(block(i, "0.fn.to_out"), a_.width, queries),
            .attention_norm = norm(block(i, "0.norm"), a_.width),
            .ffn_in = linear(block(i, "1.fn.w1"), a_.ffn_width, a_.width),
            .ffn_out = linear(block(i, "1.fn.w2"), a_.width, a_.ffn_width),
            .ffn_norm = norm(block(i, "1.norm"), a_.width)};
  }
};

}  // namespace

bool is_linformer_lucidrains(const Checkpoint& checkpoint) {
  for (const std::string prefix : {"", "linformer."}) {
    if (checkpoint.find(prefix + kLayers) != nullptr || checkpoint.find(prefix + kBlocks) != nullptr) {
      return true;
    }
  }
  return false;
}

ModelPlan plan_linformer_lucidrains(const Checkpoint& checkpoint) {
  return LucidrainsPlanner(checkpoint, "linformer, lucidrains").plan();
}

}  // namespace linformer
