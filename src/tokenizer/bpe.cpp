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

}  // namespace

BpeModel::BpeModel(const std::vector<std::string>& tokens, const MergeTexts& merges,
                   const BpeOptions& options, const std::string& subject)
    : BpeModel(tokens, {}, {}, options, subject) {
  for (std::size_t i = 0; i < merges.size(); ++i) add_merge(merges[i], static_cast<int32_t>(i), subject);
}

BpeModel::BpeModel(const std::vector<std::string>& tokens, const std::vector<std::string>& characters,
                   MergeTable merges, const BpeOptions& options, const std::string& subject)
    : options_(options), merges_(std::move(merges)), characters_(characters) {
  add_tokens(tokens, subject);
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

void BpeModel::add_tokens(const std::vector<std::string>& tokens, const std::string& subject) {
  check_keys(tokens, subject);
  for (const std::string& token : tokens) {
    const int32_t id = known_++;
    vocabulary_.insert(token, id);
    if (!options_.ignore_merges) continue;
    if (!options_.byte_level) {
      whole_words_.insert(token, id);
    } else if (const auto bytes = byte_level_bytes(token)) {
      whole_words_.insert(*bytes, id);
    }
  }
  for (std::size_t i = 0; i < characters_.size(); ++i)
    vocabulary_.insert(characters_[i], known_ + static_cast<int32_t>(i));
  for (const int32_t id : options_.whole) whole_.insert(tokens[static_cast<std::size_t>(id)], id);
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
  merges_.insert(vocabulary_.find(merge.first), vocabulary_.find(merge.second),
                 {rank, vocabulary_.find(whole)});
}

/// As its bytes, as the unknown token, or not at all.
void BpeModel::append_unknown(std::string_view character, std::size_t begin,
                              std::vector<int32_t>& ids) const {
  const auto byte_id = [&](char c) { return bytes_[static_cast<unsigned char>(c)]; };
  const bool as_bytes = options_.byte_fallback && std::all_of(character.begin(), character.end(),
                                                              [&](char c) { return byte_id(c) >= 0; });
  if (as_bytes) {
    for (const char c : character) ids.push_back(byte_id(c));
  } else if (unknown_ >= 0 && !(options_.fuse_unknown && ids.size() > begin && ids.back() == unknown_)) {
    ids.push_back(unknown_);
  }
}

/// The tokens that merging begins with.
void BpeModel::spell(std::string_view word, std::size_t begin, std::vector<int32_t>& ids) const {
  for (std::size_t i = 0; i < word.size();) {
    int32_t id = -1;
    std::size_t length = 1;
    if (options_.byte_level) {
      id = bytes_[static_cast<unsigned char>(word[i])];
    } else if (const auto whole = whole_.longest_prefix(word.substr(i)); whole.id >= 0) {
      id = whole.id;
      length = whole.length;
    } else {
      length = decode_utf8(word, i).length;
      id = vocabulary_.find(word.substr(i, length));
    }
    if (id >= 0) {
      ids.push_back(id);
    } else {
      append_unknown(word.substr(i, length), begin, ids);
    }
    i += length;
  }
}

/// Further characters that stayed alone have no token.
void BpeModel::resolve_characters(std::size_t begin, std::vector<int32_t>& ids) const {
  if (characters_.empty()) return;
  const std::vector<int32_t> merged(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end());
  ids.resize(begin);
  for (const int32_t id : merged) {
    if (id >= known_) {
      append_unknown(characters_[static_cast<std::size_t>(id - known_)], begin, ids);
    } else if (id != unknown_ || !options_.fuse_unknown || ids.size() == begin || ids.back() != unknown_) {
      ids.push_back(id);
    }
  }
}

void BpeModel::append_ids(std::string_view word, std::vector<int32_t>& ids) const {
  if (word.size() >= kMaxWord) {
    throw Error(ErrorCode::kInput, {"text", "", fmt::format("a word of {} bytes", word.size()),
                                    "words of less than 2 GiB", kTokenIdsRemedy});
  }
  if (options_.ignore_merges) {
    const int32_t id = whole_words_.find(word);
    if (id >= 0) return ids.push_back(id);
  }
  const std::size_t begin = ids.size();
  spell(word, begin, ids);
  merges_.merge(begin, ids);
  resolve_characters(begin, ids);
}

}  // namespace linformer
