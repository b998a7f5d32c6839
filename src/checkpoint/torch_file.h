// SPDX-License-Identifier: MIT
// What torch.save writes (torch/serialization.py): zip archives, and the form before PyTorch 1.6.
#pragma once

#include <memory>

#include "checkpoint/tensor_set.h"
#include "io/file_bytes.h"

namespace linformer {

/// Whether the file begins as a zip archive or as the legacy form does.
bool is_torch_zip(const FileBytes& file);
bool is_torch_legacy(const FileBytes& file);

/// The tensors of the file's state dict, views of its storages; no storage is touched. Throws Error(kInput)
/// for what is malformed, Error(kUnsupported), by name, for TorchScript, NumPy archives, big-endian storages,
/// compression and encryption.
TensorSet read_torch_zip(const std::shared_ptr<const FileBytes>& file);
TensorSet read_torch_legacy(std::shared_ptr<const FileBytes> file);

}  // namespace linformer
