// SPDX-License-Identifier: MIT
// The merges of a byte-pair encoding by the ids of their parts, and how a word is merged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace linformer {

/// What two neighbouring tokens become, and which merge comes first: that of the lowest rank.
struct Merge {
  int32_t rank = -1;  ///< -1: none
  int32_t id = 0;
};

/// Open addressing, at most half of the slots used.
class MergeTable {
 public:
  MergeTable() : slots_(1024) {}

  /// A pair that is there already takes the new merge. Ids and rank are not negative.
  void insert(int32_t left, int32_t right, Merge merge);

  Merge find(int32_t left, int32_t right) const { return slots_[slot_of(key_of(left, right))].merge; }

  /// Merges the ids from `begin` on until no pair has a rank; of equal ranks the leftmost pair comes first.
  /// Time n log n; memory 20 bytes an id if there are more than a few.
  void merge(std::size_t begin, std::vector<int32_t>& ids) const;

 private:
  struct Slot {
    uint64_t key = 0;
    Merge merge{};
  };
  class Word;

  static uint64_t key_of(int32_t left, int32_t right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
  }
  /// Where the pair is, or the free slot where it belongs (linear probing, Fibonacci hashing).
  std::size_t slot_of(uint64_t key) const {
    auto i = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> shift_);
    while (slots_[i].merge.rank >= 0 && slots_[i].key != key) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  void grow();
  std::size_t merge_short(std::span<int32_t> ids) const;

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  int shift_ = 64 - 10;  ///< 64 - log2(slots_.size())
};

}  // namespace linformer
