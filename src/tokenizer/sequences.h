// SPDX-License-Identifier: MIT
// Documents cut into the sequences that a model is run on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tokenizer/documents.h"
#include "tokenizer/tokenizer.h"

namespace linformer {

struct Sequence {
  int64_t document;  ///< index into PackedText::documents
  std::vector<int32_t> ids;
};

struct Packing {
  int64_t length = 512;            ///< tokens of a sequence, the template's included
  bool join_documents = false;     ///< put documents shorter than a body together
  bool per_document = false;       ///< one sequence a document, shorter ones included
  std::optional<int64_t> limit{};  ///< stop after this many sequences
};

struct PackedText {
  std::vector<Sequence> sequences;
  std::vector<std::string>
      documents;  ///< names of the units the sequences come from; joined ones are one unit
  int64_t documents_read = 0;
  int64_t tokens = 0;           ///< of all bodies tokenised, used or dropped
  int64_t dropped_tokens = 0;   ///< tails, and what was left over of joined documents
  int64_t short_documents = 0;  ///< those read with fewer tokens than a body
  bool limited = false;         ///< stopped at the limit; the counts cover what was tokenised until then
};

/// Takes documents one by one; see pack.
class Packer {
 public:
  /// Throws Error(kUsage) if the length leaves no room for a token or both ways of packing are asked for.
  Packer(const SequenceTemplate& sequence_template, const Packing& packing);

  /// Tokens between the template's.
  int64_t body() const { return body_; }
  /// Whether the limit is reached.
  bool full() const { return tokens_wanted() == 0; }
  /// More tokens than this of one document would not be used (or be counted).
  int64_t tokens_wanted() const;

  /// The ids of a document's body.
  void add(const std::string& name, const std::vector<int32_t>& ids);
  /// What was packed; to be called last, once.
  PackedText finish();

 private:
  void join(const std::string& name, const std::vector<int32_t>& ids);
  void emit(const int32_t* begin, int64_t count);

  SequenceTemplate template_;
  Packing packing_;
  int64_t body_;
  PackedText packed_;
  std::vector<int32_t> joined_;
  std::string joined_name_;
  int64_t joined_documents_ = 0;
};

/// Each document is tokenised alone and cut into bodies of length - specials, each wrapped by the template;
/// tails are dropped. With `join_documents`, documents shorter than a body are appended to one another until
/// a body is full; what the last one has left is dropped, so that no two units share a document. With
/// `per_document`, a document gives its first body, or all of itself if it is shorter (not padded; nothing if
/// it has no tokens). Documents are tokenised one at a time and not beyond the limit. Errors as Packer's.
PackedText pack(const Tokenizer& tokenizer, const std::vector<Document>& documents, const Packing& packing);

/// Lists of ids as they are, each a sequence. Its document is the one it names, else one of its own, named
/// "NAME:POSITION" from 1. Takes
/// the first `limit`; empty lists are passed over and counted as short documents.
PackedText sequences_of_ids(const std::string& name, const std::vector<IdList>& lists,
                            std::optional<int64_t> limit);

/// Positions, ascending, of what the template put around a body in a sequence of pack(), of `length` tokens.
/// What the text itself has, an unknown word or a written [SEP], is not among them.
std::vector<int32_t> template_positions(const SequenceTemplate& sequence_template, int64_t length);

/// Positions, ascending, of the template's ids and of padding in ids that somebody else has put together:
/// wherever they are, for nothing tells which of them the template added.
std::vector<int32_t> template_id_positions(const Tokenizer& tokenizer, const std::vector<int32_t>& ids);

}  // namespace linformer
