// SPDX-License-Identifier: MIT
#include "tokenizer/merge_table.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <queue>

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

/// How many ids are left. merges[i] is that of ids[i] and ids[i + 1].
std::size_t MergeTable::merge_short(std::span<int32_t> ids) const {
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
  return count;
}

/// A long word while it is merged: its tokens as a linked list, and the places of pairs by their rank. Ranks
/// are taken in order, and the places of one from the left. What a merge makes of its neighbours mostly has a
/// higher rank and waits there; the rest goes to a heap that comes before the next place.
class MergeTable::Word {
 public:
  Word(const MergeTable& table, std::span<int32_t> ids) : table_(table), ids_(ids) {
    const auto size = static_cast<int32_t>(ids_.size());
    next_.resize(ids_.size());
    previous_.resize(ids_.size());
    for (int32_t i = 0; i < size; ++i) {
      next_[at(i)] = i + 1 < size ? i + 1 : -1;
      previous_[at(i)] = i - 1;
    }
    for (int32_t i = 0; i + 1 < size; ++i) collect(i);
  }

  /// How many ids are left.
  std::size_t merge() {
    while (!places_.empty()) {
      rank_ = places_.begin()->first;
      std::vector<int32_t> places = std::move(places_.begin()->second);
      places_.erase(places_.begin());
      last_ = nullptr;
      if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
      for (const int32_t place : places) {
        merge_urgent({rank_, place});
        join({rank_, place});
      }
      merge_urgent({rank_ + 1, 0});
    }
    return static_cast<std::size_t>(std::remove(ids_.begin(), ids_.end(), kGone) - ids_.begin());
  }

 private:
  struct Candidate {
    int32_t rank;
    int32_t place;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : place > other.place;
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
    if (merge.rank < 0) return;
    if (merge.rank <= rank_) return urgent_.push({merge.rank, i});
    if (last_ == nullptr || last_->first != merge.rank) last_ = &*places_.try_emplace(merge.rank).first;
    last_->second.push_back(i);
  }

  void merge_urgent(const Candidate& before) {
    while (!urgent_.empty() && before > urgent_.top()) {
      const Candidate candidate = urgent_.top();
      urgent_.pop();
      join(candidate);
    }
  }

  /// Merges the pair at the candidate's place, unless another merge has changed it.
  void join(const Candidate& candidate) {
    const int32_t i = candidate.place;
    const Merge merge = merge_at(i);
    if (merge.rank != candidate.rank) return;
    const int32_t gone = next_[at(i)];
    ids_[at(i)] = merge.id;
    ids_[at(gone)] = kGone;
    next_[at(i)] = next_[at(gone)];
    if (next_[at(i)] >= 0) {
      previous_[at(next_[at(i)])] = i;
      collect(i);
    }
    if (previous_[at(i)] >= 0) collect(previous_[at(i)]);
  }

  using Places = std::map<int32_t, std::vector<int32_t>>;

  const MergeTable& table_;
  std::span<int32_t> ids_;
  std::vector<int32_t> next_;
  std::vector<int32_t> previous_;
  Places places_;                       ///< of ranks above rank_, by rank
  Places::value_type* last_ = nullptr;  ///< where the last place went
  int32_t rank_ = -1;                   ///< at hand
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> urgent_;  ///< up to rank_
};

void MergeTable::merge(std::size_t begin, std::vector<int32_t>& ids) const {
  const std::span<int32_t> word = std::span(ids).subspan(begin);
  ids.resize(begin + (word.size() <= kShort ? merge_short(word) : Word(*this, word).merge()));
}

}  // namespace linformer
