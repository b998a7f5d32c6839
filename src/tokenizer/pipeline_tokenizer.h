// SPDX-License-Identifier: MIT
// A tokenizer made of parts, in the order of the tokenizers library: added tokens are found in the raw text,
// what lies between them is normalised, searched for added tokens again, cut into words, and each word into
// pieces.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/subword_model.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/word_splitter.h"

namespace linformer {

struct Pipeline {
  std::vector<std::string> tokens;  ///< by id; an empty one is a hole
  std::vector<AddedToken> added{};  ///< ids of theirs may be tokens.size() or the next ones
  Normalizer normalizer{};
  WordSplitter splitter{};
  std::unique_ptr<SubwordModel> model{};
  SequenceTemplate sequence_template{};
  std::optional<std::string> unknown{};  ///< as are the next two: the text of the token that has this role
  std::optional<std::string> mask{};
  std::optional<std::string> padding{};
};

class PipelineTokenizer : public Tokenizer {
 public:
  /// Throws Error(kInput) naming `subject` for an added token whose id is another token's or leaves a gap,
  /// and for an id of the template that is none.
  PipelineTokenizer(Pipeline pipeline, const std::string& subject);

  /// Texts are normalised and cut in pieces of about a MiB, at places that cannot change an id.
  void append_ids(std::string_view text, int64_t limit, std::vector<int32_t>& ids) const override;
  int64_t vocabulary_size() const override { return static_cast<int64_t>(parts_.tokens.size()); }
  std::string_view token(int32_t id) const override;
  const SequenceTemplate& sequence_template() const override { return parts_.sequence_template; }
  const SpecialTokens& special_tokens() const override { return special_; }

 private:
  class Encoder;

  void add_tokens(const std::string& subject);
  void find_special_tokens(const std::string& subject);
  void separate_added_tokens();
  std::optional<int32_t> id_of(const std::optional<std::string>& token) const;

  Pipeline parts_;
  AddedTokens in_raw_text_;
  AddedTokens in_normalised_text_;
  bool may_cut_ = true;  ///< whether no added token can lie over a place where text is cut
  SpecialTokens special_;
};

}  // namespace linformer
