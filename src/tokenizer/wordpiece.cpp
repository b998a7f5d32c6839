// SPDX-License-Identifier: MIT
#include "tokenizer/wordpiece.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "tokenizer/unicode.h"

namespace linformer {
namespace {

constexpr std::size_t kMaxVocabularyBytes = std::size_t{1} << 26;
constexpr const char* kIdsRemedy = "Give the model's own tokenizer files, or token ids with --ids";

[[noreturn]] void refuse_vocabulary(const std::string& subject, std::string found) {
  throw Error(ErrorCode::kInput,
              {subject, "", std::move(found), "one token a line, in UTF-8, of at most 64 MiB", kIdsRemedy});
}

}  // namespace

std::vector<std::string> read_vocabulary(std::string_view text, const std::string& subject) {
  if (text.empty()) refuse_vocabulary(subject, "the vocabulary is empty");
  if (text.size() > kMaxVocabularyBytes) refuse_vocabulary(subject, fmt::format("{} bytes", text.size()));
  if (const auto at = find_invalid_utf8(text); at != std::string_view::npos) {
    refuse_vocabulary(subject, fmt::format("byte {} is not UTF-8", at));
  }
  std::vector<std::string> tokens;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    tokens.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return tokens;
}

WordPieceTokenizer::WordPieceTokenizer(std::vector<std::string> tokens, const WordPieceOptions& options,
                                       const std::string& subject)
    : tokens_(std::move(tokens)), text_options_(options.text), max_characters_(options.max_characters) {
  check_keys(tokens_, subject);
  fill_tries(options.continuing_prefix);
  find_special_tokens(options, subject);
  add_tokens(options.added, subject);
  check_keys(tokens_, subject);
  std::sort(special_.ids.begin(), special_.ids.end());
  special_.ids.erase(std::unique(special_.ids.begin(), special_.ids.end()), special_.ids.end());
}

void WordPieceTokenizer::fill_tries(const std::string& continuing_prefix) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view token = tokens_[i];
    const auto id = static_cast<int32_t>(i);
    first_.insert(token, id);
    if (token.starts_with(continuing_prefix)) next_.insert(token.substr(continuing_prefix.size()), id);
  }
}

int32_t WordPieceTokenizer::require_token(const std::string& text, const char* key,
                                          const std::string& subject) const {
  const int32_t id = first_.find(text);
  if (id >= 0) return id;
  throw Error(ErrorCode::kInput,
              {subject, fmt::format("token {}", text), fmt::format("not among the {} tokens", tokens_.size()),
               fmt::format("a BERT vocabulary, which has its {}", key), kIdsRemedy});
}

/// Has a token of the vocabulary found in raw text; nothing if it is not in the vocabulary.
std::optional<int32_t> WordPieceTokenizer::match_raw(const std::string& text) {
  const int32_t id = first_.find(text);
  if (id < 0) return std::nullopt;
  raw_.insert(text, id);
  begins_raw_[static_cast<unsigned char>(text[0])] = true;
  special_.ids.push_back(id);
  return id;
}

void WordPieceTokenizer::find_special_tokens(const WordPieceOptions& options, const std::string& subject) {
  unknown_ = require_token(options.unknown, "unk_token", subject);
  if (options.sequence_template) {
    template_ = *options.sequence_template;
    for (const auto* ids : {&template_.before, &template_.after}) {
      special_.ids.insert(special_.ids.end(), ids->begin(), ids->end());
    }
  } else {
    template_.before = {require_token(options.begin, "cls_token", subject)};
    template_.after = {require_token(options.end, "sep_token", subject)};
  }
  special_.unknown = match_raw(options.unknown);
  match_raw(options.begin);
  match_raw(options.end);
  special_.padding = match_raw(options.padding);
  special_.mask = match_raw(options.mask);
}

void WordPieceTokenizer::add_tokens(const std::vector<WordPieceOptions::Added>& added,
                                    const std::string& subject) {
  for (const auto& token : added) {
    const auto index = static_cast<std::size_t>(token.id);
    if (token.text.empty() || token.id < 0 || index > tokens_.size() ||
        (index < tokens_.size() && !tokens_[index].empty() && tokens_[index] != token.text)) {
      throw Error(ErrorCode::kInput,
                  {subject, fmt::format("added token \"{}\"", token.text), fmt::format("id {}", token.id),
                   fmt::format("the token's own id or {}, the next free one", tokens_.size()), kIdsRemedy});
    }
    if (index == tokens_.size()) tokens_.emplace_back();
    tokens_[index] = token.text;
    raw_.insert(token.text, token.id);
    begins_raw_[static_cast<unsigned char>(token.text[0])] = true;
    if (token.special) special_.ids.push_back(token.id);
  }
}

std::string_view WordPieceTokenizer::token(int32_t id) const {
  if (id >= 0 && id < vocabulary_size()) return tokens_[static_cast<std::size_t>(id)];
  throw Error(ErrorCode::kInput, {fmt::format("token id {}", id), "", "not in the vocabulary",
                                  fmt::format("0 to {}", vocabulary_size() - 1), ""});
}

/// Cuts words into pieces until there are enough.
class WordPieceTokenizer::Encoder : public WordSink {
 public:
  Encoder(const WordPieceTokenizer& tokenizer, std::size_t enough, std::vector<int32_t>& ids)
      : tokenizer_(tokenizer), enough_(enough), ids_(ids) {}

  bool full() const { return ids_.size() >= enough_; }

  bool word(std::string_view word, int64_t characters) override {
    const std::size_t begin = ids_.size();
    if (characters > tokenizer_.max_characters_ || !cut(word)) {
      ids_.resize(begin);
      ids_.push_back(tokenizer_.unknown_);
    }
    return !full();
  }

 private:
  bool cut(std::string_view rest) {
    for (const Trie* trie = &tokenizer_.first_; !rest.empty(); trie = &tokenizer_.next_) {
      const Trie::Match piece = trie->longest_prefix(rest);
      if (piece.id < 0) return false;
      ids_.push_back(piece.id);
      rest.remove_prefix(piece.length);
    }
    return true;
  }

  const WordPieceTokenizer& tokenizer_;
  const std::size_t enough_;
  std::vector<int32_t>& ids_;
};

void WordPieceTokenizer::append_ids(std::string_view text, int64_t limit, std::vector<int32_t>& ids) const {
  const std::size_t begin = ids.size();
  const std::size_t room = ids.max_size() - begin;
  const std::size_t enough = begin + std::min(room, static_cast<std::size_t>(std::max<int64_t>(limit, 0)));
  Encoder encoder(*this, enough, ids);
  const auto split = [&](std::string_view part) {
    if (!encoder.full()) split_bert_words(part, text_options_, max_characters_, encoder);
  };
  std::size_t part = 0;
  for (std::size_t i = 0; i < text.size() && !encoder.full();) {
    const bool candidate = begins_raw_[static_cast<unsigned char>(text[i])];
    const Trie::Match match = candidate ? raw_.longest_prefix(text.substr(i)) : Trie::Match{};
    if (match.id < 0) {
      ++i;
      continue;
    }
    split(text.substr(part, i - part));
    ids.push_back(match.id);
    i += match.length;
    part = i;
  }
  split(text.substr(part));
  if (ids.size() > enough) ids.resize(enough);
}

}  // namespace linformer
