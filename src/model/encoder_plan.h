// SPDX-License-Identifier: MIT
// Encoders that need no checkpoint: their sizes, and a plan for random weights.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/architecture.h"

namespace linformer {

/// Sizes of an encoder whose layers are BERT's.
struct EncoderSizes {
  std::string name;       ///< "roberta-base", or the text that gives the sizes
  int64_t layers = 0;     ///< L
  int64_t width = 0;      ///< of the hidden states
  int64_t heads = 0;      ///< h; divides the width
  int64_t ffn_width = 0;  ///< between the feed-forward block's two products
};

/// Of "roberta-base", "roberta-large", "bert-base" or "layers=12,width=768,heads=12,ffn=3072". Throws
/// Error(kUsage) naming --model for another name, a size that is missing or no number from 1 to 2^20, and a
/// width that heads do not divide.
EncoderSizes parse_encoder_sizes(std::string_view text);

/// A plan for Model::untrained: post-norm layers with GELU, learned positions, a vocabulary of 1024. Weights,
/// biases and the norms' biases are N(0, 0.02²), for a bias of 0 would not be missed. Throws Error(kUsage)
/// for 2^58 weights or more.
ModelPlan plan_encoder(const EncoderSizes& sizes, int64_t positions);

}  // namespace linformer
