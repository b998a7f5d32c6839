// SPDX-License-Identifier: MIT
// BERT and the families that keep its layers and their names.
#pragma once

#include <optional>
#include <string>

#include "model/planner.h"

namespace linformer {

class BertLikePlanner : public Planner {
 protected:
  using Planner::Planner;

  /// Reads what all have in config.json but the number of layers, and refuses variants without code.
  /// `prefix`: of a task model's names; `activation`: where the config does not say.
  void read_config(const std::string& prefix, const char* activation = "gelu");
  EmbeddingRefs embeddings() const;
  /// Layer i of encoder.layer.
  LayerRefs layer(int64_t i) const;
  /// The head with these names, whose decoder is the word embedding unless the config unties them. Nothing if
  /// its weights are not there.
  struct HeadNames {
    std::string transform, norm, decoder, bias;
  };
  std::optional<HeadRefs> head(const HeadNames& names, Activation activation) const;
  ModelPlan plan_with(std::optional<HeadRefs> head) const;
};

}  // namespace linformer
