// SPDX-License-Identifier: MIT
// info --check: the language-model loss of a model on a text, which is small only if all of it is read right.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "input_options.h"
#include "model/family.h"
#include "model/language_model.h"
#include "text_input.h"

namespace linformer::cli {

/// Sequences, predictions, the loss in nats under the name of its task, and the share of right answers.
/// Throws Error(kUsage) for a model without a language-model head or mask token, Error(kInput) if the text
/// gives nothing to predict or the loss is not finite.
nlohmann::ordered_json check_model(const InputOptions& options, const Checkpoint& checkpoint,
                                   const ModelPlan& plan, uint64_t seed, Session& session);

/// What a language model is asked to predict of sequences, and the name of its loss.
struct PredictionTask {
  const char* loss = nullptr;
  std::vector<Prediction> predictions = {};
};

/// The task of its kind: masked tokens, next tokens, spans of T5 or the text once more. Throws as
/// check_model() for a masked LM without its tokenizer or mask token.
PredictionTask prediction_task(const PackedText& packed, CheckpointTokenizer& tokenizer,
                               const ModelPlan& plan, uint64_t seed);

}  // namespace linformer::cli
