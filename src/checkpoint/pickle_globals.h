// SPDX-License-Identifier: MIT
// The Python classes and functions that a checkpoint may name (torch/_weights_only_unpickler.py), and what
// they mean to a reader that calls none of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace linformer {

enum class PickleGlobal : uint8_t {
  kRecord,            ///< makes something without meaning for tensors
  kDict,              ///< makes a dict
  kNamespace,         ///< makes an object whose state is its attributes
  kSize,              ///< makes a tuple of its argument
  kType,              ///< a torch dtype or a class of storages: see find_torch_type
  kTensorClass,       ///< Tensor or Parameter
  kRebuildTensor,     ///< storage, offset, size, stride ...
  kRebuildTensorV3,   ///< the same, and then requires_grad, hooks, dtype
  kRebuildParameter,  ///< data ...
  kRebuildFromType,   ///< function, class, arguments, state
  kRebuildForeign,    ///< a tensor of a kind that is not read
};

/// Nothing if this global may not occur.
std::optional<PickleGlobal> find_pickle_global(std::string_view module, std::string_view name);

/// An element type of PyTorch.
struct TorchType {
  std::string_view storage;  ///< class of its storages
  std::string_view dtype;
  std::string_view name;  ///< as safetensors would call it
  int64_t bytes;          ///< of one element
};

/// The type of a kType global by its "module\nname".
const TorchType& find_torch_type(std::string_view global);

}  // namespace linformer
