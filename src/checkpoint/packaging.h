// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "io/file_bytes.h"

namespace linformer {

/// The file that a path given by a user means: of a folder, the first that is there of model.safetensors, its
/// index, pytorch_model.bin, its index; else the file itself. Throws Error(kInput) for a path that is not
/// there or holds no model, Error(kUnsupported), by name, for a folder with a model in another packaging.
std::string locate_weights(const std::string& path);

/// Whether this is JSON, as the index of a checkpoint in several files is.
bool is_shard_index(const FileBytes& file);

/// Throws for a file that cannot be safetensors: Error(kUnsupported), by name, for packagings that are known
/// (GGUF, TensorFlow, Flax, ONNX ...) by their content or else by the end of their name, Error(kInput) for
/// what only stands for a model.
void refuse_other_packagings(const FileBytes& file);

}  // namespace linformer
