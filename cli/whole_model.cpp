// SPDX-License-Identifier: MIT
#include "whole_model.h"

#include <utility>

#include "base/error.h"
#include "model_check.h"
#include "text_input.h"

namespace linformer::cli {

WholeModel whole_model(const OpenInput& input, ModelMeasure::Parts parts, uint64_t seed, Session& session) {
  if (input.plan->encoder) {
    throw Error(ErrorCode::kUnsupported,
                {.subject = input.checkpoint->path(),
                 .found = "a decoder that reads an encoder's output",
                 .expected = "a model of one stack, as --stack encoder",
                 .remedy = "accuracy --no-layers --no-model measures the heads of --stack cross alone"});
  }
  WholeModel whole{.parts = parts};
  if (input.images) return whole;
  whole.model = input.model.get();
  if (input.plan->head) {
    CheckpointTokenizer tokenizer(*input.checkpoint);
    const bool masks = tokenizer.find() != nullptr && tokenizer.get().special_tokens().mask;
    if (masks || input.plan->architecture.causal) {
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
