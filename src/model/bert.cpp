// SPDX-License-Identifier: MIT
#include "model/bert_like.h"
#include "model/families.h"

namespace linformer {
namespace {

class BertPlanner final : public BertLikePlanner {
 public:
  using BertLikePlanner::BertLikePlanner;

  ModelPlan plan() {
    read_config("bert.");
    a_.layers = layer_count("num_hidden_layers");
    return plan_with(head({.transform = "cls.predictions.transform.dense",
                           .norm = "cls.predictions.transform.LayerNorm",
                           .decoder = "cls.predictions.decoder",
                           .bias = "cls.predictions.bias"},
                          a_.activation));
  }
};

}  // namespace

ModelPlan plan_bert(const Checkpoint& checkpoint) { return BertPlanner(checkpoint).plan(); }

}  // namespace linformer
