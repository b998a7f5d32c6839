// SPDX-License-Identifier: MIT
// --text and --ids: the sequences of tokens that a model reads.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "input_options.h"
#include "model/architecture.h"
#include "tokenizer/documents.h"
#include "tokenizer/open_tokenizer.h"
#include "tokenizer/sequences.h"
#include "tokenizer/tokenizer.h"

namespace linformer::cli {

/// For open_tokenizer and tokenizer_kind; the checkpoint must outlive it.
TokenizerFiles tokenizer_files(const Checkpoint& checkpoint);

/// The checkpoint's tokenizer, opened at first use; the checkpoint must outlive it. Errors as
/// open_tokenizer's.
class CheckpointTokenizer {
 public:
  explicit CheckpointTokenizer(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  const Tokenizer& get();
  /// The same, null if the checkpoint has none.
  const Tokenizer* find();

 private:
  const Checkpoint& checkpoint_;
  std::unique_ptr<Tokenizer> opened_;
};

/// What --text or --ids names, for messages.
std::string name_of_text(const InputOptions& options);

/// The documents of --text, or the sample that is built in.
std::vector<Document> open_documents(const InputOptions& options);

/// What --ids or --text names, read once.
struct ReadText {
  std::vector<IdList> ids;          ///< of --ids
  std::vector<Document> documents;  ///< else
};
ReadText read_text(const InputOptions& options);

/// The sequences of --ids or --text for a model. Throws Error(kUsage) if it takes no text, Error(kInput) if
/// there are none, fewer than --sequences asks for, or an id that the model has no embedding of; a tokenizer
/// may have such as long as none occurs.
PackedText open_sequences(const InputOptions& options, CheckpointTokenizer& tokenizer,
                          const Architecture& architecture);
/// The same of what was read, which may be cut to several lengths so.
PackedText cut_sequences(const InputOptions& options, const ReadText& text, CheckpointTokenizer& tokenizer,
                         const Architecture& architecture);

/// For the report's member `input`.
nlohmann::ordered_json text_json(const InputOptions& options, const PackedText& packed);

}  // namespace linformer::cli
