// SPDX-License-Identifier: MIT
// The loss of a language model on sequences: the quick proof that a checkpoint was read right.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/forward.h"

namespace linformer {

/// A sequence as the model sees it, and what it is to predict.
struct Prediction {
  std::vector<int32_t> ids;
  std::vector<int32_t> encoder_ids = {};  ///< what the encoder reads, if there is one
  std::vector<int64_t> positions = {};    ///< whose hidden states predict, ascending
  std::vector<int32_t> labels = {};       ///< the true ids
};

/// For a masked LM, BERT's corruption: 15 % of the positions whose id is not special are chosen; of these 80
/// % become `mask_id`, 10 % a random id, 10 % stay. Depends on (seed, index) alone.
Prediction mask_sequence(std::span<const int32_t> ids, std::span<const int32_t> special_ids, int32_t mask_id,
                         int64_t vocabulary, uint64_t seed, uint64_t index);

/// For a causal LM: every position predicts the next id.
Prediction predict_next(std::span<const int32_t> ids);

/// For an encoder-decoder: the decoder predicts every id that the encoder reads, from this and from the ids
/// before it. No family was trained to do that, so it tells right from wrong weights but says nothing of
/// their quality.
Prediction predict_again(std::span<const int32_t> ids, int32_t start_id);

/// Throws Error(kUsage) unless the model that is to be checked has a head.
void require_language_model_head(bool has_head);

/// The head of a language model over rows of hidden states. Throws Error(kUsage) if the model has none.
class LanguageModelHead {
 public:
  LanguageModelHead(const Model& model, Run& run);

  /// Scores [rows, vocabulary] before the softmax, for hidden states [rows, width]; valid until the next
  /// call.
  MatrixView<const float> scores(MatrixView<const float> hidden);

 private:
  const Architecture& a_;
  Run& run_;
  std::optional<Dense> transform_;
  Norm norm_;
  Dense decoder_;
  float scale_;
  Buffer<float> transformed_, scores_;
  RawBuffer scratch_;
};

/// What a model makes of the predictions of one sequence.
struct JudgedPredictions {
  double loss_sum = 0;             ///< of the cross-entropies, nats
  std::vector<int32_t> best = {};  ///< the id with the largest score, of each
};

/// Judges predictions by the last hidden states that a forward pass gave, some rows at a time: vocabularies
/// are large.
class PredictionJudge {
 public:
  /// Throws as LanguageModelHead does.
  PredictionJudge(const Model& model, Run& run);

  /// `hidden` [n, width], of the sequence's ids.
  JudgedPredictions judge(const Prediction& sequence, MatrixView<const float> hidden);

 private:
  const Architecture& a_;
  LanguageModelHead head_;
  Buffer<float> chosen_;
};

/// Mean cross-entropy (nats) of the predictions, and how often the best id is the true one.
struct LanguageModelLoss {
  double loss = 0;
  double accuracy = 0;
  int64_t predictions = 0;
};

/// Runs the sequences one at a time. Stops early, with what it has, when the run is stopped.
LanguageModelLoss language_model_loss(const Model& model, std::span<const Prediction> sequences, Run& run);

}  // namespace linformer
