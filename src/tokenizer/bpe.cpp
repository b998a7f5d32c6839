// SPDX-License-Identifier: MIT
#include "tokenizer/bpe.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "io/printable.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/json_members.h"
#include "tokenizer/unicode.h"

namespace linformer {
namespace {

constexpr std::size_t kMaxWord = std::size_t{1} << 31;  // positions are 32 bits

uint64_t pair_key(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

}  // namespace

BpeModel::BpeModel(const std::vector<std::string>& tokens,
                   const std::vector<std::pair<std::string, std::string>>& merges, const BpeOptions& options,
                   const std::string& subject)
    : options_(options) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    vocabulary_.insert(tokens[i], id);
    if (!options.ignore_merges) continue;
    if (!options.byte_level) {
      whole_words_.insert(tokens[i], id);
    } else if (const auto bytes = byte_level_bytes(tokens[i])) {
      whole_words_.insert(*bytes, id);
    }
  }
  merges_.reserve(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) add_merge(merges[i], static_cast<int32_t>(i), subject);
  for (unsigned byte = 0; byte < bytes_.size(); ++byte) {
    std::string token;
    if (options.byte_level) append_utf8(byte_level_char(static_cast<unsigned char>(byte)), token);
    bytes_[byte] = vocabulary_.find(options.byte_level ? token : fmt::format("<0x{:02X}>", byte));
  }
  if (!options.unknown) return;
  unknown_ = vocabulary_.find(*options.unknown);
  if (unknown_ < 0) {
    throw Error(ErrorCode::kInput, {subject, "unknown token", printable(*options.unknown),
                                    "a token of the vocabulary", kTokenIdsRemedy});
  }
}

void BpeModel::add_merge(const std::pair<std::string, std::string>& merge, int32_t rank,
                         const std::string& subject) {
  const std::string whole = merge.first + merge.second;
  for (const std::string* part : {&merge.first, &merge.second, &whole}) {
    if (vocabulary_.find(*part) >= 0) continue;
    throw Error(ErrorCode::kInput,
                {subject, fmt::format("merge {}", rank + 1), fmt::format("\"{}\"", printable(*part)),
                 "tokens of the vocabulary", "Give vocabulary and merges that belong together"});
  }
  const uint64_t key = pair_key(vocabulary_.find(merge.first), vocabulary_.find(merge.second));
  merges_.insert_or_assign(key, Merge{rank, vocabulary_.find(whole)});
}

const BpeModel::Merge* BpeModel::find_merge(int32_t left, int32_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void BpeModel::spell_character(std::string_view character, std::vector<int32_t>& ids) const {
  const int32_t id = vocabulary_.find(character);
  if (id >= 0) return ids.push_back(id);
  const auto byte_id = [&](char c) { return bytes_[static_cast<unsigned char>(c)]; };
  const bool as_bytes = options_.byte_fallback && std::all_of(character.begin(), character.end(),
                                                              [&](char c) { return byte_id(c) >= 0; });
  if (as_bytes) {
    for (const char c : character) ids.push_back(byte_id(c));
  } else if (unknown_ >= 0 && !(options_.fuse_unknown && !ids.empty() && ids.back() == unknown_)) {
    ids.push_back(unknown_);
  }
}

/// The tokens that merging begins with.
void BpeModel::spell(std::string_view word, std::vector<int32_t>& ids) const {
  if (!options_.byte_level) {
    for (std::size_t i = 0; i < word.size();) {
      const std::size_t length = decode_utf8(word, i).length;
      spell_character(word.substr(i, length), ids);
      i += length;
    }
    return;
  }
  for (const char c : word) {
    const int32_t id = bytes_[static_cast<unsigned char>(c)];
    const bool fused = options_.fuse_unknown && !ids.empty() && ids.back() == unknown_;
    if (id >= 0) {
      ids.push_back(id);
    } else if (unknown_ >= 0 && !fused) {
      ids.push_back(unknown_);
    }
  }
}

/// A word while it is merged: its tokens as a linked list, and a heap of the pairs that have a rank.
class BpeModel::Word {
 public:
  Word(const BpeModel& model, std::vector<int32_t> ids) : model_(model), ids_(std::move(ids)) {
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

  void merge(std::vector<int32_t>& result) {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), Later{});
      const Candidate candidate = heap_.back();
      heap_.pop_back();
      join(candidate);
    }
    for (int32_t i = 0; i >= 0; i = next_[at(i)]) result.push_back(ids_[at(i)]);
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

  const Merge* merge_at(int32_t i) const {
    if (ids_[at(i)] == kGone || next_[at(i)] < 0) return nullptr;
    return model_.find_merge(ids_[at(i)], ids_[at(next_[at(i)])]);
  }

  void collect(int32_t i) {
    if (const Merge* merge = merge_at(i)) heap_.push_back({merge->rank, i});
  }

  void push(int32_t i) {
    const std::size_t size = heap_.size();
    collect(i);
    if (heap_.size() > size) std::push_heap(heap_.begin(), heap_.end(), Later{});
  }

  /// Merges the pair at the candidate's place, unless another merge has changed it.
  void join(const Candidate& candidate) {
    const int32_t i = candidate.position;
    const Merge* merge = merge_at(i);
    if (merge == nullptr || merge->rank != candidate.rank) return;
    const int32_t gone = next_[at(i)];
    ids_[at(i)] = merge->id;
    ids_[at(gone)] = kGone;
    next_[at(i)] = next_[at(gone)];
    if (next_[at(i)] >= 0) {
      previous_[at(next_[at(i)])] = i;
      push(i);
    }
    if (previous_[at(i)] >= 0) push(previous_[at(i)]);
  }

  const BpeModel& model_;
  std::vector<int32_t> ids_;
  std::vector<int32_t> next_;
  std::vector<int32_t> previous_;
  std::vector<Candidate> heap_;
};

void BpeModel::append_ids(std::string_view word, std::vector<int32_t>& ids) const {
  if (word.size() >= kMaxWord) {
    throw Error(ErrorCode::kInput, {"text", "", fmt::format("a word of {} bytes", word.size()),
                                    "words of less than 2 GiB", kTokenIdsRemedy});
  }
  if (options_.ignore_merges) {
    const int32_t id = whole_words_.find(word);
    if (id >= 0) return ids.push_back(id);
  }
  std::vector<int32_t> spelled;
  spelled.reserve(word.size());
  spell(word, spelled);
  if (!spelled.empty()) Word(*this, std::move(spelled)).merge(ids);
}

}  // namespace linformer
