// SPDX-License-Identifier: MIT
#include "checkpoint/tensor_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace linformer {
namespace {

template <class Tensor>
const Tensor* find_name(const std::vector<Tensor>& tensors, std::string_view name) {
  const auto entry = std::ranges::lower_bound(tensors, name, {}, &Tensor::name);
  return entry != tensors.end() && entry->name == name ? &*entry : nullptr;
}

}  // namespace

TensorSet::TensorSet(std::string name, std::vector<std::shared_ptr<const FileBytes>> files,
                     std::vector<TensorInfo> tensors, std::vector<UnreadableTensor> unreadable)
    : name_(std::move(name)),
      files_(std::move(files)),
      tensors_(std::move(tensors)),
      unreadable_(std::move(unreadable)) {
  std::ranges::sort(tensors_, {}, &TensorInfo::name);
  std::ranges::sort(unreadable_, {}, &UnreadableTensor::name);
}

int64_t TensorSet::file_bytes() const {
  int64_t bytes = 0;
  for (const auto& file : files_) bytes += std::ssize(file->bytes());
  return bytes;
}

const UnreadableTensor* TensorSet::find_unreadable(std::string_view tensor) const {
  return find_name(unreadable_, tensor);
}

bool TensorSet::contains(std::string_view tensor) const {
  return find_name(tensors_, tensor) != nullptr || find_unreadable(tensor) != nullptr;
}

const TensorInfo* TensorSet::find(std::string_view tensor) const {
  if (const TensorInfo* info = find_name(tensors_, tensor)) return info;
  const UnreadableTensor* foreign = find_unreadable(tensor);
  if (foreign == nullptr) return nullptr;
  throw Error(ErrorCode::kUnsupported, {.subject = name_,
                                        .item = tensor_label(tensor),
                                        .found = "dtype " + foreign->dtype,
                                        .expected = "F32, F16, BF16, F64 or an integer type",
                                        .remedy = "Convert the checkpoint to F32, F16 or BF16"});
}

const TensorInfo& TensorSet::get(std::string_view tensor) const {
  const TensorInfo* info = find(tensor);
  if (info != nullptr) return *info;
  throw Error(ErrorCode::kInput,
              {.subject = name_,
               .item = tensor_label(tensor),
               .found = fmt::format("missing among {} tensors", tensors_.size() + unreadable_.size()),
               .remedy = "Check that this is the right file"});
}

}  // namespace linformer
