// SPDX-License-Identifier: MIT
// Python's pickles as torch.save writes them (protocol 2), read as data: nothing is ever called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/pickle_globals.h"

namespace linformer {

enum class PickleKind : uint8_t {
  kNone,
  kInt,      ///< number; true and false are 1 and 0
  kText,     ///< text, UTF-8
  kBytes,    ///< text: an integer of more than 64 bits, little-endian
  kTuple,    ///< items
  kList,     ///< items
  kDict,     ///< items: key, value, key, value ...
  kObject,   ///< an argparse.Namespace; items: name, value ... of its attributes
  kGlobal,   ///< global, text "module\nname"
  kStorage,  ///< items: of the persistent id
  kTensor,   ///< items: arguments of _rebuild_tensor_v2 (or _v3, if global says so)
  kForeign,  ///< a tensor of a kind that is not read; text: its kind
  kRecord,   ///< anything else: a float, a set ... , without its content
};

/// Place of a node among its pickle's.
using PickleId = uint32_t;

struct PickleNode {
  PickleKind kind = PickleKind::kNone;
  PickleGlobal global = PickleGlobal::kRecord;
  int64_t number = 0;
  std::string_view text = {};  ///< into the pickle
  std::vector<PickleId> items = {};
};

/// What a pickle describes, without pointers, so that no nesting can exhaust the stack. A node may be an item
/// of several, and of itself.
struct Pickle {
  std::deque<PickleNode> nodes;
  PickleId root = 0;
  size_t bytes = 0;  ///< that it took

  const PickleNode& operator[](PickleId id) const { return nodes[id]; }
  /// The value of this text key in a kDict, or of this attribute of a kObject, or null.
  const PickleNode* member(const PickleNode& dict, std::string_view key) const;
};

/// Reads the pickle that `text` begins with, which must outlive the result. Takes at most some 16 MiB and
/// `allowance` bytes. Throws Error(kInput) naming `file` and the byte for one that is malformed, has other
/// instructions than PyTorch's state dicts, or names a global that pickle_globals.h does not know;
/// Error(kUnsupported) for other protocols.
Pickle read_pickle(std::string_view text, size_t allowance, const std::string& file);

}  // namespace linformer
