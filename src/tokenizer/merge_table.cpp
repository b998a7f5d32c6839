// SPDX-License-Identifier: MIT
#include "tokenizer/merge_table.h"

#include <algorithm>
#include <array>

namespace linformer {
namespace {

/// Words of up to so many tokens are searched through for each merge, which is faster than a heap there.
constexpr std::size_t kShort = 32;

}  // namespace

void MergeTable::insert(int32_t left, int32_t right, Merge merge) {
  if (2 * (size_ + 1) > slots_.size()) grow();
  Slot& slot = slots_[slot_of(key_of(left, right))];
  if (slot.merge.rank < 0) ++size_;
  slot = {key_of(left, right), merge};
}

void MergeTable::grow() {
  std::vector<Slot> old(2 * slots_.size());
  old.swap(slots_);
  --shift_;
  for (const Slot& slot : old) {
    if (slot.merge.rank >= 0) slots_[slot_of(slot.key)] = slot;
  }
}

/// merges[i] is that of ids[i] and ids[i + 1].
void MergeTable::merge_short(std::vector<int32_t>& ids) const {
  std::array<Merge, kShort> merges;
  std::size_t count = ids.size();
  for (std::size_t i = 0; i + 1 < count; ++i) merges[i] = find(ids[i], ids[i + 1]);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      // As unsigned numbers, "none" is the highest rank.
      if (static_cast<uint32_t>(merges[i].rank) < static_cast<uint32_t>(merges[best].rank)) best = i;
    }
    if (merges[best].rank < 0) break;
    ids[best] = merges[best].id;
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      ids[i] = ids[i + 1];
      merges[i - 1] = merges[i];
    }
    if (best > 0) merges[best - 1] = find(ids[best - 1], ids[best]);
    if (best + 1 < count) merges[best] = find(ids[best], ids[best + 1]);
  }
  ids.resize(count);
}

/// A long word while it is merged: its tokens as a linked list, and a heap of the pairs that have a rank.
class MergeTable::Word {
 public:
  Word(const MergeTable& table, std::vector<int32_t>& ids) : table_(table), ids_(ids) {
    const auto size = static_cast<int32_t>(ids_.size());
    next_.resize(ids_.size());
    previous_.resize(ids_.size());
    for (int32_t i = 0; i < size; ++i) {
      next_[at(i)] = i + 1 < size ? i + 1 : -1;
      previous_[at(i)] = i - 1;
    }
    for (int32_t i = 0; i + 1 < size; ++i) collect(i);
    std::make_heap(heap_.begin(), heap_.end(), Later{});
  }

  void merge() {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), Later{});
      const Candidate candidate = heap_.back();
      heap_.pop_back();
      join(candidate);
    }
    ids_.erase(std::remove(ids_.begin(), ids_.end(), kGone), ids_.end());
  }

 private:
  struct Candidate {
    int32_t rank;
    int32_t position;
  };
  struct Later {
    bool operator()(const Candidate& a, const Candidate& b) const {
      return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
    }
  };
  static constexpr int32_t kGone = -1;

  static std::size_t at(int32_t i) { return static_cast<std::size_t>(i); }

  Merge merge_at(int32_t i) const {
    if (ids_[at(i)] == kGone || next_[at(i)] < 0) return {};
    return table_.find(ids_[at(i)], ids_[at(next_[at(i)])]);
  }

  void collect(int32_t i) {
    const Merge merge = merge_at(i);
    if (merge.rank >= 0) heap_.push_back({merge.rank, i});
  }

  void push(int32_t i) {
    const std::size_t size = heap_.size();
    collect(i);
    if (heap_.size() > size) std::push_heap(heap_.begin(), heap_.end(), Later{});
  }

  /// Merges the pair at the candidate's place, unless another merge has changed it.
  void join(const Candidate& candidate) {
    const int32_t i = candidate.position;
    const Merge merge = merge_at(i);
    if (merge.rank != candidate.rank) return;
    const int32_t gone = next_[at(i)];
    ids_[at(i)] = merge.id;
    ids_[at(gone)] = kGone;
    next_[at(i)] = next_[at(gone)];
    if (next_[at(i)] >= 0) {
      previous_[at(next_[at(i)])] = i;
      push(i);
    }
    if (previous_[at(i)] >= 0) push(previous_[at(i)]);
  }

  const MergeTable& table_;
  std::vector<int32_t>& ids_;
  std::vector<int32_t> next_;
  std::vector<int32_t> previous_;
  std::vector<Candidate> heap_;
};

void MergeTable::merge(std::vector<int32_t>& ids) const {
  if (ids.size() <= kShort) return merge_short(ids);
  Word(*this, ids).merge();
}

}  // namespace linformer
