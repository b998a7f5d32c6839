// SPDX-License-Identifier: MIT
#include "tokenizer/sentencepiece_text.h"

#include <memory>
#include <string_view>

#include "tokenizer/charsmap.h"
#include "tokenizer/trie.h"
#include "tokenizer/unicode.h"
#include "tokenizer/word_splitter.h"

namespace linformer {
namespace {

class SentencePieceText {
 public:
  SentencePieceText(const SentencePieceModel& model, DummyPrefix prefix, const std::string& subject)
      : removes_extra_(model.remove_extra_whitespaces), prefix_(prefix) {
    if (!model.rules.empty()) rules_ = std::make_unique<const Charsmap>(model.rules, subject);
    for (const SentencePiece& piece : model.pieces) {
      if (piece.type == SentencePiece::Type::kUserDefined) whole_.insert(piece.text, 0);
    }
  }

  std::string apply(std::string_view text, Place place) const {
    std::string result;
    result.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
    bool after_space = removes_extra_ && place.begins_part;
    bool begins = place.begins_part;
    for (std::size_t i = 0; i < text.size();) {
      const Charsmap::Rule next = next_at(text, i);
      i += next.length;
      if (begins && removes_extra_ && next.replacement == " ") continue;
      if (begins && has_prefix(place)) result += kSpaceMark;
      begins = false;
      after_space = append(next.replacement, after_space, result);
      check_expansion(text.size(), result.size());
    }
    while (removes_extra_ && result.ends_with(kSpaceMark)) result.resize(result.size() - kSpaceMark.size());
    return result;
  }

 private:
  bool has_prefix(Place place) const {
    return prefix_ == DummyPrefix::kEachPart || (prefix_ == DummyPrefix::kText && place.begins_text);
  }

  /// How much is read, and what becomes of it.
  Charsmap::Rule next_at(std::string_view text, std::size_t i) const {
    const std::string_view rest = text.substr(i);
    const Trie::Match piece = whole_.longest_prefix(rest);
    if (piece.id >= 0) return {piece.length, rest.substr(0, piece.length)};
    const Charsmap::Rule rule = rules_ ? rules_->longest(rest) : Charsmap::Rule{};
    if (rule.length > 0) return rule;
    const std::size_t length = decode_utf8(text, i).length;
    return {length, rest.substr(0, length)};
  }

  /// Whether further spaces are to be left out.
  bool append(std::string_view text, bool after_space, std::string& result) const {
    while (after_space && text.starts_with(' ')) text.remove_prefix(1);
    for (const char c : text) {
      if (c == ' ') {
        result += kSpaceMark;
      } else {
        result.push_back(c);
      }
    }
    return removes_extra_ && (text.empty() ? after_space : text.ends_with(' '));
  }

  const bool removes_extra_;
  const DummyPrefix prefix_;
  std::unique_ptr<const Charsmap> rules_;
  Trie whole_;  ///< user-defined pieces
};

}  // namespace

Normalizer::Step sentencepiece_step(const SentencePieceModel& model, DummyPrefix prefix,
                                    const std::string& subject) {
  return [text = std::make_shared<const SentencePieceText>(model, prefix, subject)](
             const std::string& from, Place place) { return text->apply(from, place); };
}

}  // namespace linformer
