// SPDX-License-Identifier: MIT
#include "model_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "model/language_model.h"
#include "model/span_corruption.h"
#include "text_input.h"

namespace linformer::cli {
namespace {

constexpr const char* kCopyLoss = "copy_loss_nats";

// A loss over no token at all would say that nothing is wrong.
void require_predictions(const InputOptions& options, const PackedText& packed,
                         const std::vector<Prediction>& predictions) {
  const bool any = std::any_of(predictions.begin(), predictions.end(),
                               [](const Prediction& sequence) { return !sequence.positions.empty(); });
  if (any) return;
  throw Error(ErrorCode::kInput,
              {.subject = name_of_text(options),
               .found = fmt::format("too short: of {} tokens in {} sequences none is to be predicted",
                                    packed.tokens, packed.sequences.size()),
               .expected = "at least one token to predict; a masked LM predicts 15 % of the ordinary ones",
               .remedy = "Give more text"});
}

// <extra_id_0>, <extra_id_1>, ..., as far as the tokenizer and the model have them.
std::vector<int32_t> sentinels(const Tokenizer& tokenizer, int64_t vocabulary) {
  constexpr size_t kMost = 1000;  // whatever a strange tokenizer makes of them
  std::vector<int32_t> found;
  while (found.size() < kMost) {
    const std::vector<int32_t> ids = tokenizer.encode(fmt::format("<extra_id_{}>", found.size()));
    if (ids.size() != 1 || ids.front() == tokenizer.special_tokens().unknown) break;
    if (ids.front() >= vocabulary) break;
    found.push_back(ids.front());
  }
  return found;
}

// T5's own task where there is a tokenizer with what it takes, else one that takes nothing: the text once
// more.
PredictionTask encoder_decoder_task(const PackedText& packed, CheckpointTokenizer& opened,
                                    const Architecture& a, uint64_t seed) {
  const Tokenizer* const tokenizer = opened.find();
  const std::vector<int32_t> marks = tokenizer ? sentinels(*tokenizer, a.vocabulary) : std::vector<int32_t>{};
  PredictionTask task{.loss = marks.empty() ? kCopyLoss : "span_corruption_loss_nats"};
  for (const Sequence& sequence : packed.sequences) {
    task.predictions.push_back(tokenizer == nullptr || marks.empty()
                                   ? predict_again(sequence.ids, a.decoder_start_id)
                                   : corrupt_spans(sequence.ids, tokenizer->special_tokens().ids, marks,
                                                   a.decoder_start_id, seed, task.predictions.size()));
  }
  return task;
}

PredictionTask causal_task(const PackedText& packed) {
  PredictionTask task{.loss = "causal_lm_loss_nats"};
  for (const Sequence& sequence : packed.sequences) task.predictions.push_back(predict_next(sequence.ids));
  return task;
}

PredictionTask masked_task(const PackedText& packed, CheckpointTokenizer& tokenizer, int64_t vocabulary,
                           uint64_t seed) {
  const Tokenizer* const opened = tokenizer.find();
  if (opened == nullptr) {
    throw Error(ErrorCode::kInput, {.subject = "--check",
                                    .found = "a masked language model without its tokenizer",
                                    .expected = "the tokenizer's files beside the model, which tell [MASK]",
                                    .remedy = "Add them, or leave out --check"});
  }
  const SpecialTokens& special = opened->special_tokens();
  if (!special.mask || *special.mask >= vocabulary) {
    throw Error(ErrorCode::kUsage, {.subject = "--check",
                                    .found = "a tokenizer without a mask token that the model has",
                                    .expected = "[MASK]",
                                    .remedy = "Leave out --check"});
  }
  PredictionTask task{.loss = "masked_lm_loss_nats"};
  for (const Sequence& sequence : packed.sequences) {
    task.predictions.push_back(
        mask_sequence(sequence.ids, special.ids, *special.mask, vocabulary, seed, task.predictions.size()));
  }
  return task;
}

// A classifier's answers prove little without labels; so nothing is claimed.
void require_language_model(const Architecture& architecture) {
  if (!architecture.image) return;
  throw Error(ErrorCode::kUsage,
              {.subject = "--check",
               .found = fmt::format("a {} model, which takes images: it has no language-model loss, and a "
                                    "classifier's is not computed",
                                    architecture.family),
               .expected = "a language model",
               .remedy = "Leave it out: names, types and shapes of all tensors are compared with config.json "
                         "without it. To check values, compare what 'linformer attention --inputs FILE "
                         "--save hidden' writes with the hidden states of transformers"});
}

void require_finite(double loss, const std::string& checkpoint) {
  if (std::isfinite(loss)) return;
  throw Error(ErrorCode::kInput,
              {.subject = checkpoint,
               .item = "--check",
               .found = "a loss that is not finite",
               .expected = "a number",
               .remedy = "The model's numbers overflow f32: check where the weights come from"});
}

}  // namespace

PredictionTask prediction_task(const PackedText& packed, CheckpointTokenizer& tokenizer,
                               const ModelPlan& plan, uint64_t seed) {
  const Architecture& a = plan.architecture;
  if (plan.encoder) return encoder_decoder_task(packed, tokenizer, a, seed);
  return a.causal ? causal_task(packed) : masked_task(packed, tokenizer, a.vocabulary, seed);
}

nlohmann::ordered_json check_model(const InputOptions& options, const Checkpoint& checkpoint,
                                   const ModelPlan& plan, uint64_t seed, Session& session) {
  require_language_model(plan.architecture);
  require_language_model_head(plan.head.has_value());
  const Model model = Model::load(checkpoint, plan, session.run().memory);
  CheckpointTokenizer tokenizer(checkpoint);
  const PackedText packed = open_sequences(options, tokenizer, plan.architecture);
  const PredictionTask task = prediction_task(packed, tokenizer, plan, seed);
  require_predictions(options, packed, task.predictions);
  const LanguageModelLoss result = language_model_loss(model, task.predictions, session.run());
  require_finite(result.loss, checkpoint.path());
  nlohmann::ordered_json facts = {{"sequences", packed.sequences.size()},
                                  {"predictions", result.predictions},
                                  {task.loss, result.loss},
                                  {"accuracy", result.accuracy}};
  facts["guessing_loss_nats"] = std::log(static_cast<double>(plan.architecture.vocabulary));
  facts["meaning"] =
      task.loss == kCopyLoss
          ? "copying, since there are no sentinels: a small loss proves, a large one says nothing"
          : "a trained model that is read right is far below guessing; near or above it, it is untrained, "
            "the text is not of its kind, or something was read wrong";
  return facts;
}

}  // namespace linformer::cli
