// SPDX-License-Identifier: MIT
#include "model/family.h"

#include <fmt/format.h>

#include <set>
#include <utility>

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

/// Files that come without a model_type, known by their tensors.
struct Layout {
  FamilyFacts facts;
  bool (*recognised)(const Checkpoint&);
  ModelPlan (*plan)(const Checkpoint&);
};

constexpr const char* kByTensors = "(by its tensors)";

constexpr Layout kLayouts[] = {
    {{kByTensors, "Linformer, fairseq", "RoBERTa's encoder and MLM head; all its ways to share; old files"},
     is_linformer_fairseq,
     plan_linformer_fairseq},
    {{kByTensors, "Linformer, lucidrains", "LinformerLM; share_kv, one_kv_head, dim_head; not reversible"},
     is_linformer_lucidrains,
     plan_linformer_lucidrains},
    {{kByTensors, "Linformer, tatp22", "LinformerLM; all its ways to share; learnable and convolution"},
     is_linformer_tatp22,
     plan_linformer_tatp22},
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
    {{"jargon", "Jargon", "encoder; MLM head; Linformer"}, plan_jargon},
    {{"linformer", "Linformer", "this program's own files (FORMATS.md, section 11)"}, plan_linformer},
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

// Who shares E and F, and whether they have biases, by the names of their tensors.
void describe_projection(ModelPlan& plan) {
  Projection& projection = *plan.architecture.projection;
  Projection::Sharing& sharing = projection.sharing;
  const int64_t d = plan.architecture.head_size;
  sharing = {.heads = true, .keys_values = true, .layers = plan.layers.size() > 1};
  for (size_t i = 0; i < plan.layers.size(); ++i) {
    const DenseRefs &e = plan.layers[i].key_projection, &f = plan.layers[i].value_projection;
    const int64_t group = projection.kind == Projection::Kind::kConvolution ? d : projection.k[i];
    sharing.heads = sharing.heads && (e.weight.shape[0] == group || plan.architecture.heads == 1);
    sharing.keys_values = sharing.keys_values && e.weight.name == f.weight.name;
    sharing.layers = sharing.layers && e.weight.name == plan.layers[0].key_projection.weight.name &&
                     f.weight.name == plan.layers[0].value_projection.weight.name;
    projection.bias = projection.bias || e.bias.exists() || f.bias.exists();
  }
}

using MakePlan = ModelPlan (*)(const Checkpoint&);

MakePlan find_plan(const Checkpoint& checkpoint) {
  for (const Layout& layout : kLayouts) {
    if (layout.recognised(checkpoint)) return layout.plan;
  }
  const std::string type = json_string(checkpoint.config(), "model_type", checkpoint.path_of("config.json"));
  for (const Family& family : kFamilies) {
    if (family.facts.model_type == type) return family.plan;
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

}  // namespace

std::vector<FamilyFacts> families() {
  std::vector<FamilyFacts> facts;
  for (const Family& family : kFamilies) facts.push_back(family.facts);
  for (const Layout& layout : kLayouts) facts.push_back(layout.facts);
  return facts;
}

ModelPlan plan_model(const Checkpoint& checkpoint) {
  ModelPlan plan = find_plan(checkpoint)(checkpoint);
  for_each_tensor(plan, [&](const TensorRef& ref) { check_tensor(checkpoint, ref); });
  if (plan.architecture.projection) describe_projection(plan);
  return plan;
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
  std::set<std::pair<const std::byte*, size_t>> bytes;
  for (const std::string& name : used) {
    const TensorInfo& tensor = checkpoint.get(name);
    bytes.emplace(tensor.bytes.data(), tensor.bytes.size());
  }
  std::vector<std::string> names;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    const bool same = !tensor.bytes.empty() && bytes.contains({tensor.bytes.data(), tensor.bytes.size()});
    if (!same && !used.contains(tensor.name)) names.push_back(tensor.name);
  }
  return names;
}

}  // namespace linformer
