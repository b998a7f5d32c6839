// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace linformer {

/// Throws Error(kInput) naming `subject` for tokens that are too many or too long for tries and for the time
/// that is spent at each byte of a text: a token of more than 4096 bytes, or 2^28 - 2 bytes in all.
void check_keys(const std::vector<std::string>& tokens, const std::string& subject);

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

  /// f(id, length) for each key that the text begins with, the shortest first.
  template <class F>
  void for_each_prefix(std::string_view text, F&& f) const {
    if (text.empty()) return;
    uint32_t node = first_[static_cast<unsigned char>(text[0])];
    for (std::size_t i = 0; node != 0;) {
      ++i;
      if (ids_[node] >= 0) f(ids_[node], i);
      if (i == text.size()) return;
      node = child(node, static_cast<unsigned char>(text[i]));
    }
  }

  /// The id of exactly this key, or -1.
  int32_t find(std::string_view key) const;

 private:
  static constexpr uint32_t kRoot = 1;

  /// The child of a node, or 0, which is no node.
  uint32_t child(uint32_t node, unsigned char byte) const;
  uint32_t add_child(uint32_t node, unsigned char byte);
  std::size_t slot_of(uint64_t edge) const;
  void grow();

  std::vector<uint64_t> slots_;        ///< (node << 8 | byte) << 28 | child; 0 is free
  std::vector<int32_t> ids_;           ///< of each node, -1 inside a key
  std::array<uint32_t, 256> first_{};  ///< the root's children
  int shift_;                          ///< 64 - log2(slots_.size())
};

}  // namespace linformer
