// SPDX-License-Identifier: MIT
#include "model/architecture.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace linformer {

std::string_view name_of(Stack stack) {
  switch (stack) {
    case Stack::kEncoder:
      return "encoder";
    case Stack::kDecoder:
      return "decoder";
    case Stack::kCross:
      return "cross";
  }
  return "";
}

ModelPlan select_stack(ModelPlan plan, std::optional<Stack> stack) {
  const Stack own = plan.architecture.stack();
  const bool both = plan.encoder != nullptr;
  const Stack chosen = stack.value_or(both ? Stack::kEncoder : own);
  if (chosen == own) return plan;
  if (both) {
    if (chosen == Stack::kEncoder) return *plan.encoder;
    plan.architecture.cross = true;
    return plan;
  }
  throw Error(ErrorCode::kUsage,
              {.subject = "--stack",
               .found = std::string(name_of(chosen)),
               .expected = own == Stack::kEncoder ? "encoder: the weights of this checkpoint have no decoder"
                                                  : "decoder: this model has no encoder",
               .remedy = "Leave it out, or use the checkpoint of a whole encoder-decoder"});
}

std::string name_of(const Projection::Sharing& s) {
  if (s.heads && s.keys_values && s.layers) return "layerwise";
  if (s.heads && s.keys_values) return "key-value";
  if (s.heads && !s.layers) return "headwise";
  if (!s.heads && !s.keys_values && !s.layers) return "none";
  std::string text;
  for (const auto& [shared, what] :
       {std::pair(s.heads, "heads"), {s.keys_values, "keys and values"}, {s.layers, "layers"}}) {
    if (shared) text += std::string(text.empty() ? "by " : ", by ") + what;
  }
  return text;
}

std::vector<TensorRef> stored_parts(const TensorRef& ref) {
  if (ref.parts.empty()) return {ref};
  std::vector<TensorRef> parts;
  for (const std::string& name : ref.parts) {
    TensorRef& part = parts.emplace_back(ref);
    part.name = name;
    part.parts.clear();
    part.shape[0] /= std::ssize(ref.parts);
  }
  return parts;
}

ModelPlan without_later_layers(ModelPlan plan, const std::vector<int64_t>& layers) {
  plan.head.reset();
  if (layers.empty()) return plan;
  const int64_t needed = *std::max_element(layers.begin(), layers.end()) + 1;
  if (needed >= std::ssize(plan.layers)) return plan;
  plan.layers.resize(static_cast<size_t>(std::max<int64_t>(needed, 0)));
  plan.final_norm = {};
  return plan;
}

ModelPlan only_layer(const ModelPlan& plan, int64_t layer) {
  ModelPlan alone{.architecture = plan.architecture};
  alone.architecture.layers = 1;
  alone.architecture.vocabulary = 0;
  alone.architecture.positions = kAnyLength;
  alone.architecture.image.reset();
  alone.layers = {plan.layers[static_cast<size_t>(layer)]};
  return alone;
}

void for_each_tensor(const ModelPlan& plan, const std::function<void(const TensorRef&)>& f) {
  const auto visit = [&](const TensorRef& ref) {
    if (!ref.exists()) return;
    for (const TensorRef& part : stored_parts(ref)) f(part);
  };
  const auto pair = [&](const auto& refs) { visit(refs.weight), visit(refs.bias); };
  if (plan.encoder) for_each_tensor(*plan.encoder, f);
  visit(plan.embeddings.words);
  visit(plan.embeddings.positions);
  visit(plan.embeddings.types);
  visit(plan.embeddings.frequencies);
  pair(plan.embeddings.norm), pair(plan.embeddings.projection), pair(plan.embeddings.patches);
  for (const TensorRef& token : plan.embeddings.prefix) visit(token);
  for (const LayerRefs& layer : plan.layers) {
    pair(layer.query), pair(layer.key), pair(layer.value);
    pair(layer.key_projection), pair(layer.value_projection);
    pair(layer.attention_inner), pair(layer.attention_output);
    visit(layer.distance_bias);
    pair(layer.attention_norm);
    if (layer.cross) {
      const CrossRefs& cross = *layer.cross;
      pair(cross.query), pair(cross.key), pair(cross.value), pair(cross.output), pair(cross.norm);
    }
    pair(layer.ffn_gate), pair(layer.ffn_in), pair(layer.ffn_out);
    pair(layer.ffn_norm);
  }
  pair(plan.final_norm);
  if (plan.head) pair(plan.head->transform), pair(plan.head->norm), pair(plan.head->decoder);
}

}  // namespace linformer
