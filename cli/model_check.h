// SPDX-License-Identifier: MIT
// info --check: the language-model loss of a model on a text, which is small only if all of it is read right.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "input_options.h"
#include "model/family.h"

namespace linformer::cli {

/// Sequences, predictions, the loss in nats under the name of its task, and the share of right answers.
/// Throws Error(kUsage) for a model without a language-model head or mask token, Error(kInput) if the text
/// gives nothing to predict or the loss is not finite.
nlohmann::ordered_json check_model(const InputOptions& options, const Checkpoint& checkpoint,
                                   const ModelPlan& plan, uint64_t seed, Session& session);

}  // namespace linformer::cli
