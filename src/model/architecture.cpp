// SPDX-License-Identifier: MIT
#include "model/architecture.h"

#include <algorithm>

namespace linformer {

ModelPlan without_later_layers(ModelPlan plan, const std::vector<int64_t>& layers) {
  plan.head.reset();
  if (layers.empty()) return plan;
  const int64_t needed = *std::max_element(layers.begin(), layers.end()) + 1;
  if (needed >= std::ssize(plan.layers)) return plan;
  plan.layers.resize(static_cast<size_t>(std::max<int64_t>(needed, 0)));
  plan.final_norm = {};
  return plan;
}

void for_each_tensor(const ModelPlan& plan, const std::function<void(const TensorRef&)>& f) {
  const auto visit = [&](const TensorRef& ref) {
    if (ref.exists()) f(ref);
  };
  const auto pair = [&](const auto& refs) { visit(refs.weight), visit(refs.bias); };
  visit(plan.embeddings.words);
  visit(plan.embeddings.positions);
  visit(plan.embeddings.types);
  pair(plan.embeddings.norm), pair(plan.embeddings.projection), pair(plan.embeddings.patches);
  for (const TensorRef& token : plan.embeddings.prefix) visit(token);
  for (const LayerRefs& layer : plan.layers) {
    pair(layer.query), pair(layer.key), pair(layer.value), pair(layer.attention_output);
    pair(layer.attention_norm);
    pair(layer.ffn_gate), pair(layer.ffn_in), pair(layer.ffn_out);
    pair(layer.ffn_norm);
  }
  pair(plan.final_norm);
  if (plan.head) pair(plan.head->transform), pair(plan.head->norm), pair(plan.head->decoder);
}

}  // namespace linformer
