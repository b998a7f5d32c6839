// SPDX-License-Identifier: MIT
// Text to token ids, whatever the kind of vocabulary.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace linformer {

/// What the model expects around a body of tokens, e.g. [CLS] body [SEP].
struct SequenceTemplate {
  std::vector<int32_t> before;
  std::vector<int32_t> after;

  /// Tokens that the template adds to a body.
  int64_t added() const { return static_cast<int64_t>(before.size() + after.size()); }
};

/// Ids with a meaning of their own.
struct SpecialTokens {
  std::vector<int32_t> ids;  ///< all of them, ascending, without repetition
  std::optional<int32_t> unknown;
  std::optional<int32_t> mask;
  std::optional<int32_t> padding;

  bool contains(int32_t id) const;
};

/// Immutable once made, so usable from several threads.
class Tokenizer {
 public:
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

  virtual ~Tokenizer() = default;

  /// Appends the ids of the text's body to `ids`: special tokens written in the text keep their ids, the
  /// template is not added. Stops after `limit` ids, which are then the first of the whole text's ids.
  /// Bytes that are not UTF-8 are read as U+FFFD, as Python's errors="replace" does.
  virtual void append_ids(std::string_view text, int64_t limit, std::vector<int32_t>& ids) const = 0;

  /// Ids lie in [0, vocabulary_size()).
  virtual int64_t vocabulary_size() const = 0;

  /// The text of an id, owned by the tokenizer. Throws Error(kInput) if there is no such id.
  virtual std::string_view token(int32_t id) const = 0;

  virtual const SequenceTemplate& sequence_template() const = 0;
  virtual const SpecialTokens& special_tokens() const = 0;

  /// All ids of the text's body; see append_ids.
  std::vector<int32_t> encode(std::string_view text) const;
};

}  // namespace linformer
