// SPDX-License-Identifier: MIT
// From a model's input to the first layer's: one class for each kind of input.
#pragma once

#include <memory>

#include "base/run.h"
#include "model/model.h"
#include "model/model_input.h"

namespace linformer {

class InputEmbedding {
 public:
  virtual ~InputEmbedding() = default;

  virtual InputSize size_of(const ModelInput& input) const = 0;
  /// Makes ready for that many tokens, of all sequences together.
  virtual void prepare(int64_t tokens) = 0;
  virtual int64_t scratch_bytes() const = 0;
  virtual int64_t packed_bytes() const = 0;
  /// Of what is computed on the way.
  virtual int64_t room_floats(int64_t tokens) const = 0;
  virtual void pack(MemoryAccount& account) = 0;
  /// out [b · n, width]; `room`: for room_floats(). Throws Error(kInput) for an input that is not valid.
  virtual void run(const ModelInput& input, float* room, float* out, void* scratch, int threads) = 0;
};

/// norm(word + position + first token type), projected to the model's width where that differs. Errors for an
/// id outside the vocabulary.
std::unique_ptr<InputEmbedding> make_token_embedding(const Model& model);

/// The prefix tokens, then W · patch + bias of every patch from the top left, row by row; plus positions
/// (Dosovitskiy et al. 2020, equation 1). Errors for a pixel that is not finite.
std::unique_ptr<InputEmbedding> make_patch_embedding(const Model& model);

/// The first layer's input as it is given.
std::unique_ptr<InputEmbedding> make_given_states();

/// The one that the architecture wants. `model` must outlive it.
std::unique_ptr<InputEmbedding> make_input_embedding(const Model& model);

}  // namespace linformer
