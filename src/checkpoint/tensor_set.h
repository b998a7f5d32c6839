// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/tensor_info.h"
#include "io/file_bytes.h"

namespace linformer {

/// Named tensors of one file or several. Copies share the files. Immutable and thread-safe.
class TensorSet {
 public:
  /// Takes tensors in any order; their names must differ. `name` is the file that stands for all in messages.
  TensorSet(std::string name, std::vector<std::shared_ptr<const FileBytes>> files,
            std::vector<TensorInfo> tensors, std::vector<UnreadableTensor> unreadable);

  const std::string& name() const { return name_; }
  const std::vector<std::shared_ptr<const FileBytes>>& files() const { return files_; }
  /// Bytes of all files.
  int64_t file_bytes() const;

  /// What the file says of the model beside its tensors: text of a JSON object, or nothing.
  const std::string& description() const { return description_; }
  void set_description(std::string json) { description_ = std::move(json); }

  /// Sorted by name.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const std::vector<UnreadableTensor>& unreadable() const { return unreadable_; }

  /// Whether there is a tensor of this name, readable or not.
  bool contains(std::string_view tensor) const;
  /// The tensor of this name, or null. Throws Error(kUnsupported) if it is there but unreadable.
  const TensorInfo* find(std::string_view tensor) const;
  /// The same, but Error(kInput) if there is none.
  const TensorInfo& get(std::string_view tensor) const;

 private:
  const UnreadableTensor* find_unreadable(std::string_view tensor) const;

  std::string name_;
  std::string description_ = {};
  std::vector<std::shared_ptr<const FileBytes>> files_;
  std::vector<TensorInfo> tensors_;
  std::vector<UnreadableTensor> unreadable_;
};

}  // namespace linformer
