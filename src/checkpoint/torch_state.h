// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "checkpoint/pickle.h"
#include "checkpoint/tensor_set.h"

namespace linformer {

/// What a persistent id says about a storage.
struct TorchStorage {
  TorchType type;
  std::string_view key;  ///< of the storage that it is, or is a part of
  int64_t elements;      ///< of that storage
  int64_t begin, end;    ///< the elements of it that it is
};

/// Of a kStorage node. Throws Error(kInput) for one that is malformed, Error(kUnsupported) for a whole
/// module.
TorchStorage read_storage(const Pickle& pickle, const PickleNode& node, const std::string& file);

/// The bytes of a whole storage, or nothing if there is none of this key.
using FindStorage = std::function<std::optional<std::string_view>(std::string_view key)>;

/// The tensors of a state dict, and what fairseq's args or cfg beside it say of the model. The dict is the
/// pickle's root or its member model, state_dict or module; what else these hold is passed over. Nothing in
/// the bytes of storages is touched. Throws Error(kInput) naming the tensor that reaches beyond its storage,
/// or if there is no tensor at all.
TensorSet read_state_dict(const Pickle& pickle, std::shared_ptr<const FileBytes> file,
                          const FindStorage& find);

}  // namespace linformer
