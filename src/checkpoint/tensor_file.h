// SPDX-License-Identifier: MIT
// safetensors files (huggingface/safetensors, README and safetensors/src/tensor.rs), read strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"
#include "io/file_bytes.h"

namespace linformer {

/// A stored tensor, row-major, little-endian; `bytes` has exactly the size of shape and dtype, at any
/// alignment, and belongs to the file.
struct TensorInfo {
  std::string name;
  DType dtype;
  Shape shape;
  std::span<const std::byte> bytes;
};

/// A valid tensor of a type that this program does not read (FP8, FP4, complex ...).
struct UnreadableTensor {
  std::string name;
  std::string dtype;
  Shape shape;
  int64_t bytes;
};

/// The tensors of one file. Copies share the file. Immutable and thread-safe.
class TensorFile {
 public:
  /// Checks the whole header against the file's size; touches no data. Throws Error(kInput) naming file and
  /// tensor where they disagree, Error(kUnsupported) for a dtype that the format does not have.
  explicit TensorFile(std::shared_ptr<const FileBytes> file);
  /// The same over FileBytes::open(path, map).
  static TensorFile open(const std::string& path, bool map);

  /// The file, for messages.
  const std::string& name() const { return file_->name(); }
  int64_t file_bytes() const { return static_cast<int64_t>(file_->bytes().size()); }

  /// Sorted by name.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const std::vector<UnreadableTensor>& unreadable() const { return unreadable_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// The tensor of this name, or null. Throws Error(kUnsupported) if it is there but unreadable.
  const TensorInfo* find(std::string_view tensor) const;
  /// The same, but Error(kInput) if there is none.
  const TensorInfo& get(std::string_view tensor) const;

 private:
  std::shared_ptr<const FileBytes> file_;
  std::vector<TensorInfo> tensors_;
  std::vector<UnreadableTensor> unreadable_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace linformer
