// SPDX-License-Identifier: MIT
// Families: from a checkpoint's config and tensor names to a plan.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "model/architecture.h"

namespace linformer {

/// The plan of a checkpoint, from config and headers alone. Every tensor of the plan has been found with its
/// shape. Throws Error(kUnsupported) for a model_type or variant without code, Error(kInput) for a config
/// that contradicts itself and for a tensor that is missing, not floating point or of another shape.
ModelPlan plan_model(const Checkpoint& checkpoint);

/// A family as users know it.
struct FamilyFacts {
  std::string_view model_type;  ///< in config.json, or how else it is known
  std::string_view name;
  std::string_view includes;  ///< what of it is supported, in a few words
};

/// The supported families.
std::vector<FamilyFacts> families();

/// Names of the checkpoint's tensors that the plan does not use, sorted; of a tensor that is stored once
/// under several names, none if one of them is used.
std::vector<std::string> unused_tensors(const Checkpoint& checkpoint, const ModelPlan& plan);

/// Those of them that are called as one that is used but for numbers: of layers that config.json does not
/// count.
std::vector<std::string> unused_layer_tensors(const Checkpoint& checkpoint, const ModelPlan& plan);

/// Names of the tensors that the plan uses, sorted, each once.
std::vector<std::string> used_tensors(const ModelPlan& plan);

}  // namespace linformer
