// SPDX-License-Identifier: MIT
// BERT's normalisation and its split into words, as the fast tokenizer does them (tokenizers'
// BertNormalizer, then BertPreTokenizer), in one pass and without a normalised copy of the text.
//
// Where utf8proc's tables (Unicode 15.0 in version 2.8) are newer than that library's categories (about
// Unicode 8), the two differ on rare code points: punctuation and Mn marks assigned since then (e.g.
// U+2E43..2E4F, U+1ABF..1ACE; there they stay inside words) and the format characters U+08E2, U+110CD,
// U+0890..0891, U+13430..1343F (there they are kept).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace linformer {

struct BertTextOptions {
  bool lowercase = true;
  std::optional<bool> strip_accents{};  ///< unset: as lowercase
  bool split_chinese = true;            ///< each character of the CJK blocks is a word

  bool strips_accents() const { return strip_accents.value_or(lowercase); }
};

/// Receives words one after the other.
class WordSink {
 public:
  virtual ~WordSink() = default;

  /// `word` is valid UTF-8, not empty, and lives until the call returns; of a word with more than the
  /// `max_characters` of split_bert_words only the beginning is given. Returns false to end the splitting.
  virtual bool word(std::string_view word, int64_t characters) = 0;
};

/// Cleans (drops U+0000, U+FFFD, categories Cc, Cf, Co; white space becomes a space), isolates CJK
/// characters, strips accents (canonical decomposition without Mn), lower-cases, splits at white space and
/// makes each punctuation character a word. Memory: one word.
void split_bert_words(std::string_view text, const BertTextOptions& options, int64_t max_characters,
                      WordSink& sink);

}  // namespace linformer
