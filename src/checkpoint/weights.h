// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensor_set.h"
#include "io/file_bytes.h"

namespace linformer {

/// The tensors of a model, and how they were packed.
struct Weights {
  /// Member of the metadata of a safetensors file that describes the model in it (FORMATS.md).
  static constexpr const char* kDescription = "linformer_model";

  TensorSet tensors;
  std::string_view packaging;              ///< e.g. "sharded safetensors"
  std::vector<std::string> unmapped = {};  ///< tensors in files of an index that the index does not name
};

/// Opens what locate_weights() found: safetensors, what torch.save writes, or an index of several such files.
/// The content decides, not the name. Reads headers only; `map` as in FileBytes. Throws Error(kInput) for
/// what is malformed or missing, Error(kUnsupported), by name, for other packagings.
Weights open_weights(const std::string& path, bool map);

/// The same for one file that is no index.
Weights open_weights(std::shared_ptr<const FileBytes> file);

/// The files that open_weights(path) reads: the path itself and, where it is an index, those that it names.
/// Reads nothing of a pipe. Throws Error(kInput) for an index that is malformed.
std::vector<std::string> weight_files(const std::string& path);

}  // namespace linformer
