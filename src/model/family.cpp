// SPDX-License-Identifier: MIT
#include "model/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/error.h"
#include "io/json.h"
#include "model/families.h"

namespace linformer {
namespace {

struct Family {
  std::string_view model_type;
  ModelPlan (*plan)(const Checkpoint&);
};

constexpr Family kFamilies[] = {{"bert", plan_bert},
                                {"roberta", plan_roberta},
                                {"xlm-roberta", plan_roberta},
                                {"camembert", plan_roberta},
                                {"distilbert", plan_distilbert},
                                {"electra", plan_electra},
                                {"albert", plan_albert},
                                {"gpt2", plan_gpt2},
                                {"gpt_neox", plan_gpt_neox},
                                {"llama", plan_llama},
                                {"mistral", plan_llama},
                                {"qwen2", plan_llama}};

void check_tensor(const Checkpoint& checkpoint, const TensorRef& ref) {
  const TensorInfo* tensor = checkpoint.find(ref.name);
  const auto fail = [&](std::string found, std::string remedy) {
    throw Error(ErrorCode::kInput, {.subject = checkpoint.weights_path(),
                                    .item = fmt::format("tensor '{}'", ref.name),
                                    .found = std::move(found),
                                    .expected = fmt::format("shape {}", to_string(ref.stored_shape())),
                                    .remedy = std::move(remedy)});
  };
  if (tensor == nullptr) {
    fail("missing",
         "Use the weights that belong to this config.json; 'linformer info --tensors' lists what is there");
  }
  if (!is_float(tensor->dtype)) {
    fail(fmt::format("type {}", name_of(tensor->dtype)),
         "Weights must be floating point: convert the checkpoint");
  }
  if (tensor->shape != ref.stored_shape()) {
    fail(fmt::format("shape {}", to_string(tensor->shape)),
         "config.json and the weights are of different models");
  }
}

}  // namespace

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) names.emplace_back(family.model_type);
  return names;
}

ModelPlan plan_model(const Checkpoint& checkpoint) {
  const std::string type = json_string(checkpoint.config(), "model_type", checkpoint.path_of("config.json"));
  for (const Family& family : kFamilies) {
    if (family.model_type != type) continue;
    ModelPlan plan = family.plan(checkpoint);
    for_each_tensor(plan, [&](const TensorRef& ref) { check_tensor(checkpoint, ref); });
    return plan;
  }
  throw Error(ErrorCode::kUnsupported,
              {.subject = checkpoint.path_of("config.json"),
               .item = "model_type",
               .found = fmt::format("'{}'", type),
               .expected = fmt::format("one of: {}", fmt::join(family_names(), ", ")),
               .remedy = "Any model can be analysed through --qk or --probabilities (see FORMATS.md)"});
}

std::vector<std::string> used_tensors(const ModelPlan& plan) {
  std::set<std::string> names;
  for_each_tensor(plan, [&](const TensorRef& ref) { names.insert(ref.name); });
  return {names.begin(), names.end()};
}

std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ModelPlan& plan) {
  std::set<std::string> used;
  for_each_tensor(plan, [&](const TensorRef& ref) { used.insert(ref.name); });
  std::vector<std::string> names;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (!used.contains(tensor.name)) names.push_back(tensor.name);
  }
  return names;
}

}  // namespace linformer
