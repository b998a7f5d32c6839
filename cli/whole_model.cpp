// SPDX-License-Identifier: MIT
#include "whole_model.h"

#include <utility>

#include "model_check.h"
#include "text_input.h"

namespace linformer::cli {

WholeModel whole_model(const OpenInput& input, ModelMeasure::Parts parts, uint64_t seed, Session& session) {
  WholeModel whole{.parts = parts};
  if (input.images) return whole;
  whole.model = input.model.get();
  if (input.plan->head) {
    CheckpointTokenizer tokenizer(*input.checkpoint);
    if (tokenizer.find() != nullptr && tokenizer.get().special_tokens().mask) {
      PredictionTask task = prediction_task(input.packed, tokenizer, *input.plan, seed);
      whole.loss_name = task.loss;
      whole.predictions = std::move(task.predictions);
      return whole;
    }
    session.note("no tokenizer with a mask token: the loss is left out");
  }
  for (const Sequence& sequence : input.packed.sequences) whole.predictions.push_back({.ids = sequence.ids});
  return whole;
}

}  // namespace linformer::cli
