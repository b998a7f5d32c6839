// SPDX-License-Identifier: MIT
#include "model/bert_like.h"
#include "model/families.h"

namespace linformer {
namespace {

class ElectraPlanner final : public BertLikePlanner {
 public:
  using BertLikePlanner::BertLikePlanner;

  ModelPlan plan() {
    read_config("electra.");
    a_.layers = layer_count("num_hidden_layers");
    a_.embedding_width = size("embedding_size", a_.width);
    ModelPlan plan = plan_with(head({.transform = "generator_predictions.dense",
                                     .norm = "generator_predictions.LayerNorm",
                                     .decoder = "generator_lm_head",
                                     .bias = "generator_lm_head.bias"},
                                    Activation::kGelu));
    if (a_.embedding_width != a_.width) {
      plan.embeddings.projection = dense(prefix_ + "embeddings_project", a_.width, a_.embedding_width);
    }
    return plan;
  }
};

}  // namespace

ModelPlan plan_electra(const Checkpoint& checkpoint) { return ElectraPlanner(checkpoint).plan(); }

}  // namespace linformer
