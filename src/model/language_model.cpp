// SPDX-License-Identifier: MIT
#include "model/language_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace linformer {
namespace {

constexpr uint32_t kMaskPurpose = 0x3A5C;
constexpr int64_t kJudgedRows = 128;

const HeadWeights& head_of(const Model& model) {
  require_language_model_head(model.head().has_value());
  return *model.head();
}

double cross_entropy(const float* scores, int64_t count, int32_t label) {
  const float top = *std::max_element(scores, scores + count);
  double sum = 0;
  for (int64_t j = 0; j < count; ++j) sum += std::exp(static_cast<double>(scores[j] - top));
  return std::log(sum) - static_cast<double>(scores[label] - top);
}

}  // namespace

void require_language_model_head(bool has_head) {
  if (has_head) return;
  throw Error(ErrorCode::kUsage,
              {.subject = "--check",
               .found = "the checkpoint has no language-model head",
               .expected = "the head's tensors",
               .remedy = "Leave out --check, or use the checkpoint of the pre-trained LM"});
}

Prediction mask_sequence(std::span<const int32_t> ids, std::span<const int32_t> special_ids, int32_t mask_id,
                         int64_t vocabulary, uint64_t seed, uint64_t index) {
  Prediction masked{.ids = {ids.begin(), ids.end()}};
  Random random({.seed = seed, .purpose = kMaskPurpose, .index = index});
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool special = std::find(special_ids.begin(), special_ids.end(), ids[i]) != special_ids.end();
    if (special || random.uniform() > 0.15f) continue;
    masked.positions.push_back(static_cast<int64_t>(i));
    masked.labels.push_back(ids[i]);
    const float kind = random.uniform();
    if (kind <= 0.8f) masked.ids[i] = mask_id;
    if (kind > 0.9f) masked.ids[i] = static_cast<int32_t>(random.below(static_cast<uint32_t>(vocabulary)));
  }
  return masked;
}

Prediction predict_next(std::span<const int32_t> ids) {
  Prediction next{.ids = {ids.begin(), ids.end()}};
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    next.positions.push_back(static_cast<int64_t>(i));
    next.labels.push_back(ids[i + 1]);
  }
  return next;
}

Prediction predict_again(std::span<const int32_t> ids, int32_t start_id) {
  Prediction again{.ids = shifted_right(ids, start_id),
                   .encoder_ids = {ids.begin(), ids.end()},
                   .positions = std::vector<int64_t>(ids.size()),
                   .labels = {ids.begin(), ids.end()}};
  std::iota(again.positions.begin(), again.positions.end(), 0);
  return again;
}

LanguageModelHead::LanguageModelHead(const Model& model, Run& run)
    : a_(model.architecture()),
      run_(run),
      norm_(NormKind::kLayer, a_.embedding_width, head_of(model).norm, a_.norm_epsilon),
      decoder_(model.head()->decoder.weight, model.head()->decoder.bias, {}),
      scale_(model.head()->scale) {
  const HeadWeights& head = *model.head();
  if (head.transform.weight.data == nullptr) return;
  transform_.emplace(head.transform.weight, head.transform.bias,
                     Dense::Options{.activation = head.activation});
}

MatrixView<const float> LanguageModelHead::scores(MatrixView<const float> hidden) {
  const int64_t rows = hidden.rows;
  norm_.prepare(rows);
  int64_t scratch = norm_.scratch_bytes();
  for (Dense* dense : {transform_ ? &*transform_ : nullptr, &decoder_}) {
    if (dense == nullptr) continue;
    dense->prepare(rows);
    if (!dense->packed()) dense->pack(run_.memory);
    scratch = std::max(scratch, dense->scratch_bytes());
  }
  scratch_.reserve(run_.memory, scratch, "scratch of the head");
  scores_.reserve(run_.memory, rows * a_.vocabulary, "scores");
  const float* x = hidden.data;
  if (transform_ || scale_ != 1) {
    transformed_.reserve(run_.memory, rows * a_.embedding_width, "head states");
    x = transformed_.data();
  }
  if (transform_) {
    transform_->run(rows, hidden.data, transformed_.data(), scratch_.data());
    norm_.run(rows, transformed_.data(), transformed_.data(), scratch_.data(), run_.threads);
  } else if (scale_ != 1) {
    std::transform(hidden.data, hidden.data + rows * a_.width, transformed_.data(),
                   [&](float value) { return scale_ * value; });
  }
  decoder_.run(rows, x, scores_.data(), scratch_.data());
  return {scores_.data(), rows, a_.vocabulary, a_.vocabulary};
}

PredictionJudge::PredictionJudge(const Model& model, Run& run)
    : a_(model.architecture()),
      head_(model, run),
      chosen_(run.memory, kJudgedRows * a_.width, "hidden states that predict") {}

JudgedPredictions PredictionJudge::judge(const Prediction& sequence, MatrixView<const float> hidden) {
  JudgedPredictions judged;
  const int64_t predictions = std::ssize(sequence.positions);
  for (int64_t first = 0; first < predictions; first += kJudgedRows) {
    const int64_t rows = std::min(kJudgedRows, predictions - first);
    for (int64_t i = 0; i < rows; ++i) {
      std::copy_n(hidden.row(sequence.positions[static_cast<size_t>(first + i)]), a_.width,
                  chosen_.data() + i * a_.width);
    }
    const MatrixView<const float> scores = head_.scores({chosen_.data(), rows, a_.width, a_.width});
    for (int64_t i = 0; i < rows; ++i) {
      const int32_t label = sequence.labels[static_cast<size_t>(first + i)];
      if (label < 0 || label >= a_.vocabulary) {
        throw Error(ErrorCode::kInternal,
                    {.subject = "judged predictions", .found = "label " + std::to_string(label)});
      }
      const float* const row = scores.row(i);
      judged.loss_sum += cross_entropy(row, a_.vocabulary, label);
      judged.best.push_back(static_cast<int32_t>(std::max_element(row, row + a_.vocabulary) - row));
    }
  }
  return judged;
}

LanguageModelLoss language_model_loss(const Model& model, std::span<const Prediction> sequences, Run& run) {
  PredictionJudge judge(model, run);
  ForwardPass forward(model, make_mechanism("flash"), run);
  LanguageModelLoss result;
  double sum = 0;
  int64_t right = 0;
  for (const Prediction& sequence : sequences) {
    if (run.stopped()) break;
    if (sequence.positions.empty()) continue;
    const std::span<const int32_t> ids(sequence.ids), encoder_ids(sequence.encoder_ids);
    if (model.encoder() != nullptr) forward.encode(TokenBatch{&encoder_ids, 1});
    const MatrixView<const float> hidden =
        forward.run(TokenBatch{&ids, 1}, {}, model.architecture().layers, nullptr);
    const JudgedPredictions judged = judge.judge(sequence, hidden);
    sum += judged.loss_sum;
    right += std::inner_product(judged.best.begin(), judged.best.end(), sequence.labels.begin(), int64_t{0},
                                std::plus<>(), std::equal_to<>());
    result.predictions += std::ssize(sequence.positions);
  }
  if (result.predictions == 0) return result;
  result.loss = sum / static_cast<double>(result.predictions);
  result.accuracy = static_cast<double>(right) / static_cast<double>(result.predictions);
  return result;
}

}  // namespace linformer
