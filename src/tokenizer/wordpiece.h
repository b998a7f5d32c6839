// SPDX-License-Identifier: MIT
// WordPiece as BERT's fast tokenizer runs it: each word is cut greedily into the longest pieces of the
// vocabulary (Wu et al. 2016, arXiv 1609.08144; transformers' tokenization_bert.py).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/bert_words.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/trie.h"

namespace linformer {

struct WordPieceOptions {
  BertTextOptions text{};
  std::string unknown = "[UNK]";
  std::string begin = "[CLS]";
  std::string end = "[SEP]";
  std::string padding = "[PAD]";
  std::string mask = "[MASK]";
  /// Used instead of `begin` and `end`, which the vocabulary need not have then.
  std::optional<SequenceTemplate> sequence_template{};
  /// Further texts with ids that are found in the raw text as the special tokens are; an id may be
  /// vocabulary_size() or the next ones. The flag tells special ones.
  struct Added {
    std::string text;
    int32_t id;
    bool special;
  };
  std::vector<Added> added{};
  std::string continuing_prefix = "##";
  int64_t max_characters = 100;  ///< longer words are unknown
};

/// The lines of a vocab.txt: id i is line i, without its "\n" or "\r\n". Throws Error(kInput) naming
/// `subject` if there is none, if the text is not UTF-8, or if it is over 64 MiB.
std::vector<std::string> read_vocabulary(std::string_view text, const std::string& subject);

class WordPieceTokenizer : public Tokenizer {
 public:
  /// tokens[i] has id i; of equal tokens the last is used; an empty one is a hole. Throws Error(kInput)
  /// naming `subject` (the file) if the unknown, begin or end token is missing. The padding and mask tokens
  /// may be.
  WordPieceTokenizer(std::vector<std::string> tokens, const WordPieceOptions& options,
                     const std::string& subject);

  void append_ids(std::string_view text, int64_t limit, std::vector<int32_t>& ids) const override;
  int64_t vocabulary_size() const override { return static_cast<int64_t>(tokens_.size()); }
  std::string_view token(int32_t id) const override;
  const SequenceTemplate& sequence_template() const override { return template_; }
  const SpecialTokens& special_tokens() const override { return special_; }

 private:
  class Encoder;

  void add_tokens(const std::vector<WordPieceOptions::Added>& added, const std::string& subject);
  void fill_tries(const std::string& continuing_prefix);
  void find_special_tokens(const WordPieceOptions& options, const std::string& subject);
  int32_t require_token(const std::string& text, const char* key, const std::string& subject) const;
  std::optional<int32_t> match_raw(const std::string& text);

  std::vector<std::string> tokens_;
  Trie first_;  ///< pieces that begin a word
  Trie next_;   ///< pieces that go on, without the prefix
  Trie raw_;    ///< tokens found in the text as it is
  std::array<bool, 256> begins_raw_{};
  SequenceTemplate template_;
  SpecialTokens special_;
  BertTextOptions text_options_;
  int64_t max_characters_;
  int32_t unknown_ = 0;
};

}  // namespace linformer
