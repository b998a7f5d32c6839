// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace linformer {

/// Remembers the ids of short words: a word has one slot, 64 bytes, and takes the place of the one before.
class WordCache {
 public:
  /// For a text of so many bytes.
  explicit WordCache(std::size_t text_bytes)
      : slots_(std::bit_ceil(std::clamp(text_bytes / 8, std::size_t{1}, kMostSlots))) {}

  /// Whether the word was known, and then its ids are appended.
  bool append(std::string_view word, std::vector<int32_t>& ids) const {
    if (word.size() > kMostBytes) return false;
    const Slot& slot = slots_[slot_of(word)];
    if (std::string_view(slot.word.data(), slot.size) != word) return false;
    ids.insert(ids.end(), slot.ids.data(), slot.ids.data() + slot.count);
    return true;
  }

  /// The word is not empty.
  void remember(std::string_view word, std::span<const int32_t> ids) {
    if (word.size() > kMostBytes || ids.size() > kMostIds) return;
    Slot& slot = slots_[slot_of(word)];
    slot.size = static_cast<uint8_t>(word.size());
    slot.count = static_cast<uint8_t>(ids.size());
    std::copy(word.begin(), word.end(), slot.word.begin());
    std::copy(ids.begin(), ids.end(), slot.ids.begin());
  }

 private:
  static constexpr std::size_t kMostSlots = std::size_t{1} << 16;
  static constexpr std::size_t kMostBytes = 22;
  static constexpr std::size_t kMostIds = 10;

  struct Slot {
    uint8_t size = 0;  ///< 0: free
    uint8_t count = 0;
    std::array<char, kMostBytes> word{};
    std::array<int32_t, kMostIds> ids{};
  };

  std::size_t slot_of(std::string_view word) const {
    return std::hash<std::string_view>()(word) & (slots_.size() - 1);
  }

  std::vector<Slot> slots_;
};

}  // namespace linformer
