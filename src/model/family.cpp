// SPDX-License-Identifier: MIT
#include "model/family.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "io/json.h"
#include "io/printable.h"
#include "model/families.h"

namespace linformer {
namespace {

struct Family {
  FamilyFacts facts;
  ModelPlan (*plan)(const Checkpoint&);
};

constexpr Family kFamilies[] = {
    {{"bert", "BERT", "encoder; MLM head; absolute positions; gamma/beta names"}, plan_bert},
    {{"roberta", "RoBERTa", "encoder; MLM head"}, plan_roberta},
    {{"xlm-roberta", "XLM-RoBERTa", "as RoBERTa"}, plan_roberta},
    {{"camembert", "CamemBERT", "as RoBERTa"}, plan_roberta},
    {{"distilbert", "DistilBERT", "encoder; MLM head; learned or sinusoidal positions"}, plan_distilbert},
    {{"electra", "ELECTRA", "encoder; embedding projection; the generator's MLM head"}, plan_electra},
    {{"albert", "ALBERT", "encoder; shared layers, groups, inner groups; MLM head"}, plan_albert},
    {{"gpt2", "GPT-2", "causal; LM head; scaling by layer index"}, plan_gpt2},
    {{"gpt_neox", "GPT-NeoX, Pythia", "causal; LM head; rotary positions; parallel residual or not"},
     plan_gpt_neox},
    {{"llama", "Llama", "causal; LM head; grouped keys; rotary scaling default, linear or llama3"},
     plan_llama},
    {{"mistral", "Mistral", "as Llama, up to the sliding window's length"}, plan_llama},
    {{"qwen2", "Qwen2", "as Llama, with biases; up to the sliding window's length where it is used"},
     plan_llama},
    {{"t5", "T5", "encoder, decoder, cross attention; versions 1.0 and 1.1; LM head; biases by distance"},
     plan_t5},
    {{"mt5", "mT5", "as T5 1.1"}, plan_t5},
    {{"umt5", "umT5", "as T5 1.1, with biases in every layer"}, plan_t5},
    {{"vit", "ViT, DeiT without distillation", "encoder of images (--inputs) of the model's own size"},
     plan_vit},
    {{"deit", "DeiT", "as ViT, with the distillation token"}, plan_deit},
};

std::string known_types() {
  std::string names;
  for (const Family& family : kFamilies) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", family.facts.model_type);
  }
  return names;
}

void check_tensor(const Checkpoint& checkpoint, const TensorRef& ref) {
  const TensorInfo* tensor = checkpoint.find(ref.name);
  const auto fail = [&](std::string found, std::string remedy) {
    throw Error(ErrorCode::kInput,
                {.subject = checkpoint.weights_path(),
                 .item = fmt::format("tensor '{}'", ref.name),
                 .found = std::move(found),
                 .expected = fmt::format("floating point of shape {}", to_string(ref.stored_shape())),
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

std::set<std::string> names_of(const ModelPlan& plan) {
  std::set<std::string> names;
  for_each_tensor(plan, [&](const TensorRef& ref) { names.insert(ref.name); });
  return names;
}

// "layer.#.key" of "layer.11.key".
std::string without_numbers(const std::string& name) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string pattern;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!digit(name[i])) pattern += name[i];
    if (digit(name[i]) && (i == 0 || !digit(name[i - 1]))) pattern += '#';
  }
  return pattern;
}

}  // namespace

std::vector<FamilyFacts> families() {
  std::vector<FamilyFacts> facts;
  for (const Family& family : kFamilies) facts.push_back(family.facts);
  return facts;
}

ModelPlan plan_model(const Checkpoint& checkpoint) {
  const std::string type = json_string(checkpoint.config(), "model_type", checkpoint.path_of("config.json"));
  for (const Family& family : kFamilies) {
    if (family.facts.model_type != type) continue;
    ModelPlan plan = family.plan(checkpoint);
    for_each_tensor(plan, [&](const TensorRef& ref) { check_tensor(checkpoint, ref); });
    return plan;
  }
  throw Error(
      ErrorCode::kUnsupported,
      {.subject = checkpoint.path_of("config.json"),
       .item = "model_type",
       .found = fmt::format("'{}'", printable(type)),
       .expected = fmt::format("one of: {}", known_types()),
       .remedy = "Any model can be analysed through --qk or --probabilities (see FORMATS.md); to have "
                 "this family, send its config.json and 'linformer info --tensors'"});
}

std::vector<std::string> used_tensors(const ModelPlan& plan) {
  const std::set<std::string> names = names_of(plan);
  return {names.begin(), names.end()};
}

std::vector<std::string> unused_layer_tensors(const Checkpoint& checkpoint, const ModelPlan& plan) {
  std::set<std::string> used;
  for (const std::string& name : names_of(plan)) used.insert(without_numbers(name));
  std::vector<std::string> names = unused_tensors(checkpoint, plan);
  std::erase_if(names, [&](const std::string& name) {
    const std::string pattern = without_numbers(name);
    return pattern == name || !used.contains(pattern);
  });
  return names;
}

std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ModelPlan& plan) {
  const std::set<std::string> used = names_of(plan);
  std::vector<std::string> names;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (!used.contains(tensor.name)) names.push_back(tensor.name);
  }
  return names;
}

}  // namespace linformer
