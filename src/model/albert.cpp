// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "model/bert_like.h"
#include "model/families.h"

namespace linformer {
namespace {

constexpr int64_t kMostLayers = 65535;

// Groups of layers share their weights; each layer runs all the inner layers of its group.
class AlbertPlanner final : public BertLikePlanner {
 public:
  using BertLikePlanner::BertLikePlanner;

  ModelPlan plan() {
    const int64_t groups = size("num_hidden_groups", 1), inner = size("inner_group_num", 1);
    const int64_t runs = size("num_hidden_layers");
    read_config("albert.", "gelu_new");
    if (runs % groups != 0) {
      fail(ErrorCode::kInput, "num_hidden_groups", std::to_string(groups),
           fmt::format("a divisor of num_hidden_layers {}", runs));
    }
    const int64_t tensors = std::ssize(checkpoint_.tensors());
    if (groups > tensors || inner > tensors / groups || runs > kMostLayers / inner) {
      fail(ErrorCode::kInput, "num_hidden_layers",
           fmt::format("{} layers, {} groups of {}", runs, groups, inner),
           fmt::format("no more inner layers than tensors, and at most {} in all", kMostLayers));
    }
    a_.layers = runs * inner;
    a_.embedding_width = size("embedding_size", 128);
    ModelPlan plan{.architecture = a_,
                   .embeddings = embeddings(),
                   .head = head({.transform = "predictions.dense",
                                 .norm = "predictions.LayerNorm",
                                 .decoder = "predictions.decoder",
                                 .bias = "predictions.bias"},
                                a_.activation)};
    plan.embeddings.projection =
        dense(prefix_ + "encoder.embedding_hidden_mapping_in", a_.width, a_.embedding_width);
    for (int64_t i = 0; i < a_.layers; ++i) {
      plan.layers.push_back(shared_layer(i / inner / (runs / groups), i % inner));
    }
    return plan;
  }

 private:
  LayerRefs shared_layer(int64_t group, int64_t inner) const {
    const std::string base =
        fmt::format("{}encoder.albert_layer_groups.{}.albert_layers.{}.", prefix_, group, inner);
    return {.query = dense(base + "attention.query", a_.width, a_.width),
            .key = dense(base + "attention.key", a_.width, a_.width),
            .value = dense(base + "attention.value", a_.width, a_.width),
            .attention_output = dense(base + "attention.dense", a_.width, a_.width),
            .attention_norm = norm(base + "attention.LayerNorm", a_.width),
            .ffn_in = dense(base + "ffn", a_.ffn_width, a_.width),
            .ffn_out = dense(base + "ffn_output", a_.width, a_.ffn_width),
            .ffn_norm = norm(base + "full_layer_layer_norm", a_.width)};
  }
};

}  // namespace

ModelPlan plan_albert(const Checkpoint& checkpoint) { return AlbertPlanner(checkpoint).plan(); }

}  // namespace linformer
