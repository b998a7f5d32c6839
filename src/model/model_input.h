// SPDX-License-Identifier: MIT
// What a model is run on.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "base/tensor.h"
#include "model/stored_images.h"

namespace linformer {

/// Token ids and the document they are from.
struct TokenSequence {
  int64_t document = 0;
  std::vector<int32_t> ids;
};

/// All that a source runs; every image is a sequence and a document of its own.
using ModelInputs = std::variant<std::vector<TokenSequence>, StoredImages>;

/// Token ids of sequences of equal length.
using TokenBatch = std::span<const std::span<const int32_t>>;

/// Some of a file's images, by their indices.
struct ImageBatch {
  const StoredImages* images = nullptr;
  std::span<const int64_t> indices;
};

/// The first layer's input [b · n, width] of b sequences, for layers without an embedding.
struct StateBatch {
  MatrixView<const float> states;
  int64_t batch = 0;
};

/// What is run at a time; of the kind that the model's architecture wants.
using ModelInput = std::variant<TokenBatch, ImageBatch, StateBatch>;

/// A batch's sequences, and the tokens of each.
struct InputSize {
  int64_t batch = 0;
  int64_t length = 0;
};

}  // namespace linformer
