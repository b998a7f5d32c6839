// SPDX-License-Identifier: MIT
#include "tokenizer/sentencepiece_merges.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "tokenizer/trie.h"
#include "tokenizer/unicode.h"

namespace linformer {
namespace {

bool is_normal(const SentencePiece& piece) { return piece.type == SentencePiece::Type::kNormal; }

std::string reversed(std::string_view text) { return {text.rbegin(), text.rend()}; }

/// Texts by what they begin with and by what they end with.
struct Parts {
  Trie forward;
  Trie backward;

  void insert(std::string_view text, int32_t id) {
    forward.insert(text, id);
    backward.insert(reversed(text), id);
  }
};

void add_characters(const SentencePieceModel& model, Parts& parts, std::vector<std::string>& characters) {
  for (const SentencePiece& piece : model.pieces) {
    for (std::size_t i = 0; is_normal(piece) && i < piece.text.size();) {
      const std::size_t length = decode_utf8(piece.text, i).length;
      const std::string character = piece.text.substr(i, length);
      i += length;
      if (parts.forward.find(character) >= 0) continue;
      parts.insert(character, static_cast<int32_t>(model.pieces.size() + characters.size()));
      characters.push_back(character);
    }
  }
}

/// The different scores of normal pieces, the highest first.
std::vector<double> scores_of(const SentencePieceModel& model) {
  std::vector<double> scores;
  for (const SentencePiece& piece : model.pieces) {
    if (is_normal(piece)) scores.push_back(piece.score);
  }
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  return scores;
}

void add_merges(std::string_view piece, Merge merge, const Parts& parts, MergeTable& merges) {
  std::vector<int32_t> lefts(piece.size(), -1);  // by where they end
  parts.forward.for_each_prefix(piece, [&](int32_t id, std::size_t length) {
    if (length < piece.size()) lefts[length] = id;
  });
  parts.backward.for_each_prefix(reversed(piece), [&](int32_t id, std::size_t length) {
    const int32_t left = lefts[piece.size() - length];
    if (left >= 0) merges.insert(left, id, merge);
  });
}

}  // namespace

PieceMerges merges_of(const SentencePieceModel& model) {
  PieceMerges result;
  Parts parts;
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    if (is_normal(model.pieces[id])) parts.insert(model.pieces[id].text, static_cast<int32_t>(id));
  }
  add_characters(model, parts, result.characters);
  const std::vector<double> scores = scores_of(model);
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const SentencePiece& piece = model.pieces[id];
    if (!is_normal(piece)) continue;
    const auto rank = std::lower_bound(scores.begin(), scores.end(), piece.score, std::greater<>());
    add_merges(piece.text, {static_cast<int32_t>(rank - scores.begin()), static_cast<int32_t>(id)}, parts,
               result.merges);
  }
  return result;
}

}  // namespace linformer
