// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// A model.safetensors.index.json or pytorch_model.bin.index.json: which file each tensor is in.
struct ShardIndex {
  struct Entry {
    std::string tensor;
    uint32_t file;  ///< place in `files`
  };
  std::vector<std::string> files;  ///< plain names, beside the index; sorted, different
  std::vector<Entry> entries;      ///< sorted by tensor; tensors differ
};

/// Reads the member weight_map and passes over the rest. Throws Error(kInput) naming `file` and the tensor
/// where it is not a map from text to text, or where a name leads out of the folder.
ShardIndex parse_shard_index(std::string_view text, const std::string& file);

}  // namespace linformer
