// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace linformer {

/// A map from byte strings to ids that finds the longest key a text begins with, in one pass over that key.
/// Edges live in one open-addressing hash table: 8 bytes each, at most half of the slots used.
class Trie {
 public:
  struct Match {
    int32_t id = -1;         ///< -1: no key matches
    std::size_t length = 0;  ///< bytes
  };

  Trie();

  /// A key that is there already takes the new id; the empty key is ignored. id >= 0. All keys together may
  /// have up to 2^28 - 2 bytes.
  void insert(std::string_view key, int32_t id);

  Match longest_prefix(std::string_view text) const;

  /// The id of exactly this key, or -1.
  int32_t find(std::string_view key) const;

 private:
  /// The child of a node, or 0, which is no node.
  uint32_t child(uint32_t node, unsigned char byte) const;
  uint32_t add_child(uint32_t node, unsigned char byte);
  std::size_t slot_of(uint64_t edge) const;
  void grow();

  std::vector<uint64_t> slots_;  ///< (node << 8 | byte) << 28 | child; 0 is free
  std::vector<int32_t> ids_;     ///< of each node, -1 inside a key
  int shift_;                    ///< 64 - log2(slots_.size())
};

}  // namespace linformer
