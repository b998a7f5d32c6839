// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace linformer {

/// The safetensors file that a path given by a user means: model.safetensors of a folder, or the file itself.
/// Throws Error(kInput) for a path that is not there or holds no model, Error(kUnsupported), by name, for one
/// packed in another way (sharded, PyTorch, GGUF, TensorFlow, ONNX ...).
std::string locate_weights(const std::string& path);

}  // namespace linformer
