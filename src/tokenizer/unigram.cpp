// SPDX-License-Identifier: MIT
#include "tokenizer/unigram.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "tokenizer/json_members.h"
#include "tokenizer/unicode.h"

namespace linformer {
namespace {

constexpr std::size_t kMaxWord = std::size_t{1} << 31;
constexpr double kUnknownPenalty = 10;
constexpr std::size_t kShort = 64;  // nodes on the stack

}  // namespace

UnigramModel::UnigramModel(const std::vector<std::string>& tokens, std::vector<double> scores,
                           const UnigramOptions& options, const std::string& subject)
    : scores_(std::move(scores)), options_(options) {
  check_keys(tokens, subject);
  unknown_score_ =
      options.unknown_score.value_or(*std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty);
  for (std::size_t i = 0; i < tokens.size(); ++i) pieces_.insert(tokens[i], static_cast<int32_t>(i));
}

void UnigramModel::find_best_paths(std::string_view word, std::span<Node> nodes) const {
  for (std::size_t begin = 0; begin < word.size();) {
    const std::size_t character = decode_utf8(word, begin).length;
    const double before = nodes[begin].score;
    bool has_character = false;
    const auto offer = [&](std::size_t length, int32_t id, double score) {
      Node& end = nodes[begin + length];
      if (end.id < 0 || before + score > end.score) end = {before + score, id, static_cast<uint32_t>(begin)};
    };
    pieces_.for_each_prefix(word.substr(begin), [&](int32_t id, std::size_t length) {
      offer(length, id, scores_[static_cast<std::size_t>(id)]);
      has_character = has_character || length == character;
    });
    if (!has_character) offer(character, options_.unknown, unknown_score_);
    begin += character;
  }
}

void UnigramModel::append_unknown(std::string_view text, std::vector<int32_t>& ids) const {
  const auto byte_id = [&](char c) { return options_.bytes->at(static_cast<unsigned char>(c)); };
  const bool as_bytes =
      options_.bytes && std::all_of(text.begin(), text.end(), [&](char c) { return byte_id(c) >= 0; });
  if (!as_bytes) return ids.push_back(options_.unknown);
  for (const char c : text) ids.push_back(byte_id(c));
}

void UnigramModel::append_ids(std::string_view word, std::vector<int32_t>& ids) const {
  if (word.size() >= kMaxWord) {
    throw Error(ErrorCode::kInput, {"text", "", fmt::format("a word of {} bytes", word.size()),
                                    "words of less than 2 GiB", kTokenIdsRemedy});
  }
  std::array<Node, kShort> few;
  std::vector<Node> many(word.size() < few.size() ? 0 : word.size() + 1);
  const std::span<Node> nodes = many.empty() ? std::span(few) : std::span(many);
  find_best_paths(word, nodes);
  // The pieces, last first; then each node's `begin` is that of the next piece of the path.
  std::size_t next = word.size();
  for (std::size_t end = word.size(); end > 0;) {
    const std::size_t begin = nodes[end].begin;
    nodes[end].begin = static_cast<uint32_t>(next);
    next = end;
    end = begin;
  }
  std::size_t begin = 0;
  for (std::size_t end = next; begin < word.size();) {
    if (nodes[end].id != options_.unknown) {
      ids.push_back(nodes[end].id);
    } else {
      while (end < word.size() && nodes[nodes[end].begin].id == options_.unknown) end = nodes[end].begin;
      append_unknown(word.substr(begin, end - begin), ids);
    }
    begin = end;
    end = nodes[end].begin;
  }
}

}  // namespace linformer
