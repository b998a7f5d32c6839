// SPDX-License-Identifier: MIT
#include "io/json.h"
#include "model/bert_like.h"
#include "model/families.h"

namespace linformer {
namespace {

class RobertaPlanner final : public BertLikePlanner {
 public:
  using BertLikePlanner::BertLikePlanner;

  ModelPlan plan() {
    read_config("roberta.");
    a_.layers = layer_count("num_hidden_layers");
    count_positions_from_padding();
    return plan_with(head({.transform = "lm_head.dense",
                           .norm = "lm_head.layer_norm",
                           .decoder = "lm_head.decoder",
                           .bias = "lm_head.bias"},
                          Activation::kGelu));
  }

 private:
  // Position of a token = how many tokens up to it are no padding, + the id of padding.
  void count_positions_from_padding() {
    const int64_t pad = json_int(config_, "pad_token_id", subject_, 1);
    if (pad < 0 || pad + 1 >= a_.positions) {
      fail(ErrorCode::kInput, "pad_token_id", std::to_string(pad), "less than max_position_embeddings - 1");
    }
    a_.unplaced_id = pad;
    a_.first_position = pad + 1;
    a_.positions -= a_.first_position;
  }
};

}  // namespace

ModelPlan plan_roberta(const Checkpoint& checkpoint) { return RobertaPlanner(checkpoint).plan(); }

}  // namespace linformer
