// SPDX-License-Identifier: MIT
#include "model/masked_lm.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace linformer {
namespace {

constexpr uint32_t kMaskPurpose = 0x3A5C;

const HeadWeights& require_head(const Model& model) {
  if (model.head()) return *model.head();
  throw Error(ErrorCode::kUsage,
              {.subject = "--check",
               .found = "the checkpoint has no masked-LM head",
               .expected = "tensors 'cls.predictions.*'",
               .remedy = "Leave out --check, or use the checkpoint of the pre-trained masked LM"});
}

double cross_entropy(const float* scores, int64_t count, int32_t label) {
  const float top = *std::max_element(scores, scores + count);
  double sum = 0;
  for (int64_t j = 0; j < count; ++j) sum += std::exp(static_cast<double>(scores[j] - top));
  return std::log(sum) - static_cast<double>(scores[label] - top);
}

}  // namespace

MaskedSequence mask_sequence(std::span<const int32_t> ids, std::span<const int32_t> special_ids,
                             int32_t mask_id, int64_t vocabulary, uint64_t seed, uint64_t index) {
  MaskedSequence masked{.ids = {ids.begin(), ids.end()}, .positions = {}, .labels = {}};
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

MaskedLmHead::MaskedLmHead(const Model& model, Run& run)
    : a_(model.architecture()),
      run_(run),
      transform_(require_head(model).transform.weight, model.head()->transform.bias,
                 {.activation = a_.activation}),
      decoder_(model.head()->decoder.weight, model.head()->decoder.bias, {}),
      norm_(a_.width, model.head()->norm.weight, model.head()->norm.bias, a_.norm_epsilon) {}

MatrixView<const float> MaskedLmHead::scores(MatrixView<const float> hidden) {
  const int64_t rows = hidden.rows;
  norm_.prepare(rows);
  int64_t scratch = norm_.scratch_bytes();
  for (Dense* dense : {&transform_, &decoder_}) {
    dense->prepare(rows);
    if (!dense->packed()) dense->pack(run_.memory);
    scratch = std::max(scratch, dense->scratch_bytes());
  }
  scratch_.reserve(run_.memory, scratch, "scratch of the head");
  transformed_.reserve(run_.memory, rows * a_.width, "head states");
  scores_.reserve(run_.memory, rows * a_.vocabulary, "scores");
  transform_.run(rows, hidden.data, transformed_.data(), scratch_.data());
  norm_.run(rows, transformed_.data(), transformed_.data(), scratch_.data());
  decoder_.run(rows, transformed_.data(), scores_.data(), scratch_.data());
  return {scores_.data(), rows, a_.vocabulary, a_.vocabulary};
}

MaskedLmLoss masked_lm_loss(const Model& model, std::span<const MaskedSequence> sequences, Run& run) {
  const Architecture& a = model.architecture();
  MaskedLmHead head(model, run);
  ForwardPass forward(model, make_mechanism("standard"), run);
  MaskedLmLoss result;
  double sum = 0, right = 0;
  for (const MaskedSequence& sequence : sequences) {
    if (run.stopped()) break;
    if (sequence.positions.empty()) continue;
    const std::span<const int32_t> ids(sequence.ids);
    const MatrixView<const float> hidden = forward.run({&ids, 1}, {}, a.layers, nullptr);
    const int64_t rows = static_cast<int64_t>(sequence.positions.size());
    std::vector<float> chosen(static_cast<size_t>(rows * a.width));
    for (int64_t i = 0; i < rows; ++i) {
      std::copy_n(hidden.row(sequence.positions[static_cast<size_t>(i)]), a.width,
                  chosen.data() + i * a.width);
    }
    const MatrixView<const float> scores = head.scores({chosen.data(), rows, a.width, a.width});
    for (int64_t i = 0; i < rows; ++i) {
      const int32_t label = sequence.labels[static_cast<size_t>(i)];
      sum += cross_entropy(scores.row(i), a.vocabulary, label);
      right += std::max_element(scores.row(i), scores.row(i) + a.vocabulary) == scores.row(i) + label ? 1 : 0;
    }
    result.predictions += rows;
  }
  if (result.predictions == 0) return result;
  result.loss = sum / static_cast<double>(result.predictions);
  result.accuracy = right / static_cast<double>(result.predictions);
  return result;
}

}  // namespace linformer
