// SPDX-License-Identifier: MIT
#include "tokenizer/trie.h"

#include <fmt/format.h>

#include "base/error.h"
#include "io/printable.h"
#include "tokenizer/json_members.h"

namespace linformer {
namespace {

constexpr int kChildBits = 28;
constexpr uint64_t kChildMask = (uint64_t{1} << kChildBits) - 1;

uint64_t edge_of(uint32_t node, unsigned char byte) { return (static_cast<uint64_t>(node) << 8) | byte; }

constexpr std::size_t kLongestToken = 4096;
constexpr std::size_t kMostBytes = (std::size_t{1} << kChildBits) - 2;

}  // namespace

void check_keys(const std::vector<std::string>& tokens, const std::string& subject) {
  std::size_t bytes = 0;
  for (const std::string& token : tokens) {
    bytes += token.size();
    if (token.size() <= kLongestToken && bytes <= kMostBytes) continue;
    throw Error(
        ErrorCode::kInput,
        {subject, fmt::format("token \"{}...\"", printable(token.substr(0, 32))),
         fmt::format("{} bytes, {} with those before it", token.size(), bytes),
         fmt::format("at most {} bytes a token and {} in all", kLongestToken, kMostBytes), kTokenIdsRemedy});
  }
}

Trie::Trie() : slots_(1024, 0), ids_(kRoot + 1, -1), shift_(64 - 10) {}

/// Where the edge is, or the free slot where it belongs (linear probing, Fibonacci hashing).
std::size_t Trie::slot_of(uint64_t edge) const {
  auto i = static_cast<std::size_t>((edge * 0x9E3779B97F4A7C15u) >> shift_);
  while (slots_[i] != 0 && (slots_[i] >> kChildBits) != edge) i = (i + 1) & (slots_.size() - 1);
  return i;
}

uint32_t Trie::child(uint32_t node, unsigned char byte) const {
  return static_cast<uint32_t>(slots_[slot_of(edge_of(node, byte))] & kChildMask);
}

uint32_t Trie::add_child(uint32_t node, unsigned char byte) {
  if (2 * ids_.size() >= slots_.size()) grow();
  const uint64_t edge = edge_of(node, byte);
  uint64_t& slot = slots_[slot_of(edge)];
  if (slot == 0) {
    slot = (edge << kChildBits) | ids_.size();
    ids_.push_back(-1);
  }
  return static_cast<uint32_t>(slot & kChildMask);
}

void Trie::grow() {
  std::vector<uint64_t> old(2 * slots_.size(), 0);
  old.swap(slots_);
  --shift_;
  for (const uint64_t slot : old) {
    if (slot != 0) slots_[slot_of(slot >> kChildBits)] = slot;
  }
}

void Trie::insert(std::string_view key, int32_t id) {
  if (key.empty()) return;
  uint32_t node = kRoot;
  for (const char c : key) node = add_child(node, static_cast<unsigned char>(c));
  ids_[node] = id;
  const auto first = static_cast<unsigned char>(key[0]);
  first_[first] = child(kRoot, first);
}

Trie::Match Trie::longest_prefix(std::string_view text) const {
  Match best;
  for_each_prefix(text, [&](int32_t id, std::size_t length) { best = {id, length}; });
  return best;
}

int32_t Trie::find(std::string_view key) const {
  const Match match = longest_prefix(key);
  return !key.empty() && match.length == key.size() ? match.id : -1;
}

}  // namespace linformer
