// SPDX-License-Identifier: MIT
#include "checkpoint/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "checkpoint/packaging.h"
#include "checkpoint/shard_index.h"
#include "checkpoint/tensor_file.h"
#include "checkpoint/torch_file.h"
#include "io/printable.h"

namespace linformer {
namespace {

namespace fs = std::filesystem;

/// Where a file that the index names is.
fs::path beside(const std::string& index, const std::string& name) {
  return fs::path(index).parent_path() / name;
}

/// Puts the shards of an index together.
class ShardReader {
 public:
  ShardReader(std::shared_ptr<const FileBytes> file, bool map)
      : file_(std::move(file)), index_(parse_shard_index(file_->text(), file_->name())), map_(map) {}

  Weights read() {
    for (const std::string& name : index_.files) shards_.push_back(open_shard(name));
    for (const ShardIndex::Entry& entry : index_.entries) check_mapped(entry);
    std::vector<std::shared_ptr<const FileBytes>> files = {file_};
    for (uint32_t number = 0; number < shards_.size(); ++number) {
      const TensorSet& set = shards_[number].tensors;
      for (const TensorInfo& tensor : set.tensors()) take(tensor, number, tensors_);
      for (const UnreadableTensor& tensor : set.unreadable()) take(tensor, number, unreadable_);
      files.insert(files.end(), set.files().begin(), set.files().end());
    }
    std::ranges::sort(unmapped_);
    const bool safetensors = shards_.empty() || shards_[0].packaging == "safetensors";
    return {
        .tensors = TensorSet(file_->name(), std::move(files), std::move(tensors_), std::move(unreadable_)),
        .packaging = safetensors ? "sharded safetensors" : "sharded PyTorch",
        .unmapped = std::move(unmapped_)};
  }

 private:
  Weights open_shard(const std::string& name) const {
    const fs::path path = beside(file_->name(), name);
    std::error_code error;
    if (fs::exists(path, error)) return open_weights(FileBytes::open(path.string(), map_));
    throw Error(ErrorCode::kInput,
                {.subject = file_->name(),
                 .item = printable(name),
                 .found = "missing in the folder",
                 .expected = fmt::format("all {} files of this index", index_.files.size()),
                 .remedy = "Copy or download it into the same folder"});
  }

  [[noreturn]] void fail(std::string_view tensor, std::string found, std::string expected) const {
    throw Error(ErrorCode::kInput, {.subject = file_->name(),
                                    .item = tensor_label(tensor),
                                    .found = std::move(found),
                                    .expected = std::move(expected),
                                    .remedy = "Take index and files from the same download"});
  }

  void check_mapped(const ShardIndex::Entry& entry) const {
    if (shards_[entry.file].tensors.contains(entry.tensor)) return;
    fail(entry.tensor, "not in " + printable(index_.files[entry.file]), "the file that the index names");
  }

  template <class Tensor>
  void take(const Tensor& tensor, uint32_t number, std::vector<Tensor>& out) {
    for (uint32_t other = 0; other < number; ++other) {
      if (!shards_[other].tensors.contains(tensor.name)) continue;
      fail(tensor.name,
           fmt::format("in {} and in {}", printable(index_.files[other]), printable(index_.files[number])),
           "in one of them");
    }
    const auto entry = std::ranges::lower_bound(index_.entries, tensor.name, {}, &ShardIndex::Entry::tensor);
    if (entry != index_.entries.end() && entry->tensor == tensor.name) {
      out.push_back(tensor);
    } else {
      unmapped_.push_back(tensor.name);
    }
  }

  std::shared_ptr<const FileBytes> file_;
  ShardIndex index_;
  bool map_;
  std::vector<Weights> shards_;
  std::vector<TensorInfo> tensors_;
  std::vector<UnreadableTensor> unreadable_;
  std::vector<std::string> unmapped_;
};

}  // namespace

Weights open_weights(const std::string& path, bool map) {
  auto file = FileBytes::open(path, map);
  return is_shard_index(*file) ? ShardReader(std::move(file), map).read() : open_weights(std::move(file));
}

Weights open_weights(std::shared_ptr<const FileBytes> file) {
  if (is_torch_zip(*file)) return {.tensors = read_torch_zip(file), .packaging = "PyTorch"};
  if (is_torch_legacy(*file)) {
    return {.tensors = read_torch_legacy(std::move(file)), .packaging = "PyTorch before 1.6"};
  }
  refuse_other_packagings(*file);
  const TensorFile tensors(file);
  Weights weights{.tensors = tensors.set(), .packaging = "safetensors"};
  const auto described = tensors.metadata().find(Weights::kDescription);
  if (described != tensors.metadata().end()) weights.tensors.set_description(described->second);
  return weights;
}

std::vector<std::string> weight_files(const std::string& path) {
  std::vector<std::string> files = {path};
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return files;
  const auto file = FileBytes::open(path, true);
  if (!is_shard_index(*file)) return files;
  for (const std::string& name : parse_shard_index(file->text(), path).files) {
    files.push_back(beside(path, name).string());
  }
  return files;
}

}  // namespace linformer
