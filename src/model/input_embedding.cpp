// SPDX-License-Identifier: MIT
#include "model/input_embedding.h"

namespace linformer {

std::unique_ptr<InputEmbedding> make_input_embedding(const Model& model) {
  return model.architecture().image ? make_patch_embedding(model) : make_token_embedding(model);
}

}  // namespace linformer
