// SPDX-License-Identifier: MIT
#include "model/input_embedding.h"

namespace linformer {

std::unique_ptr<InputEmbedding> make_input_embedding(const Model& model) {
  if (model.architecture().image) return make_patch_embedding(model);
  return model.architecture().vocabulary > 0 ? make_token_embedding(model) : make_given_states();
}

}  // namespace linformer
