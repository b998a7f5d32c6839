// SPDX-License-Identifier: MIT
// The masked-LM loss of a model on sequences: the quick proof that a checkpoint was read right.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/forward.h"

namespace linformer {

/// A sequence with some ids replaced, and what stood there.
struct MaskedSequence {
  std::vector<int32_t> ids;        ///< as the model sees them
  std::vector<int64_t> positions;  ///< to be predicted, ascending
  std::vector<int32_t> labels;     ///< the true ids at these positions
};

/// BERT's corruption: 15 % of the positions whose id is not special are chosen; of these 80 % become
/// `mask_id`, 10 % a random id, 10 % stay. Depends on (seed, index) alone.
MaskedSequence mask_sequence(std::span<const int32_t> ids, std::span<const int32_t> special_ids,
                             int32_t mask_id, int64_t vocabulary, uint64_t seed, uint64_t index);

/// The head of a masked LM over rows of hidden states. Throws Error(kUsage) if the model has none.
class MaskedLmHead {
 public:
  MaskedLmHead(const Model& model, Run& run);

  /// Scores [rows, vocabulary] before the softmax, for hidden states [rows, width]; valid until the next
  /// call.
  MatrixView<const float> scores(MatrixView<const float> hidden);

 private:
  const Architecture& a_;
  Run& run_;
  Dense transform_, decoder_;
  LayerNorm norm_;
  Buffer<float> transformed_, scores_;
  RawBuffer scratch_;
};

/// Mean cross-entropy (nats) at the masked positions, and how often the best id is the true one.
struct MaskedLmLoss {
  double loss = 0;
  double accuracy = 0;
  int64_t predictions = 0;
};

/// Runs the sequences one at a time. Stops early, with what it has, when the run is stopped.
MaskedLmLoss masked_lm_loss(const Model& model, std::span<const MaskedSequence> sequences, Run& run);

}  // namespace linformer
