// SPDX-License-Identifier: MIT
// safetensors files (huggingface/safetensors, README and safetensors/src/tensor.rs), read strictly.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensor_set.h"
#include "io/file_bytes.h"

namespace linformer {

/// The tensors of one file. Copies share the file. Immutable and thread-safe.
class TensorFile {
 public:
  /// Checks the whole header against the file's size; touches no data. Throws Error(kInput) naming file and
  /// tensor where they disagree, Error(kUnsupported) for a dtype that the format does not have.
  explicit TensorFile(const std::shared_ptr<const FileBytes>& file);
  /// The same over FileBytes::open(path, map).
  static TensorFile open(const std::string& path, bool map);

  /// The file, for messages.
  const std::string& name() const { return set_.name(); }

  /// As TensorSet's; every tensor is row-major.
  const TensorSet& set() const { return set_; }
  const std::vector<TensorInfo>& tensors() const { return set_.tensors(); }
  const std::vector<UnreadableTensor>& unreadable() const { return set_.unreadable(); }
  const TensorInfo* find(std::string_view tensor) const { return set_.find(tensor); }
  const TensorInfo& get(std::string_view tensor) const { return set_.get(tensor); }

  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  TensorSet set_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace linformer
