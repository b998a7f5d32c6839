// SPDX-License-Identifier: MIT
// The input options of every command that reads a model, and what they open.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "model/family.h"
#include "model/model.h"
#include "model/source.h"
#include "options.h"
#include "tokenizer/open_tokenizer.h"
#include "tokenizer/sequences.h"
#include "tokenizer/tokenizer.h"

namespace linformer::cli {

struct InputOptions {
  std::string checkpoint;  ///< empty: the embedded default
  std::vector<std::string> text;
  std::string ids;
  std::string inputs;
  std::string qk;
  std::string probabilities;
  double scale = 0;
  bool causal = false;
  int64_t length = 0;     ///< 0: min(512, positions)
  int64_t sequences = 0;  ///< 0: all
  bool join_documents = false;
  bool per_document = false;
  bool drop_special_tokens = false;
  std::string stack;  ///< empty: the encoder if there is one

  std::optional<Stack> chosen_stack() const;
};

struct InputParts {
  bool text = false;     ///< --text, --ids and how they are cut
  bool inputs = false;   ///< --inputs
  bool tensors = false;  ///< --qk and --probabilities
  bool drop = false;     ///< --drop-special-tokens
  bool stack = false;    ///< --stack
};

void add_input_options(CLI::App& app, InputOptions& options, InputParts parts);

/// --layers and --heads as lists; empty: all.
struct Selection {
  std::string layers, heads;
  std::vector<int64_t> layer_list() const;
  std::vector<int64_t> head_list() const;
};
void add_selection(CLI::App& app, Selection& selection);

/// For reports and `info`.
nlohmann::ordered_json architecture_json(const Architecture& architecture);

/// A folder, a file, a model in the hub's cache, or the default that is built in.
Checkpoint open_checkpoint(const std::string& path, const Session& session);
/// For open_tokenizer and tokenizer_kind; the checkpoint must outlive it.
TokenizerFiles tokenizer_files(const Checkpoint& checkpoint);

/// Says on stderr that the weights have layers which config.json does not count, if so.
void note_unused_layers(const Checkpoint& checkpoint, const ModelPlan& plan, const Session& session);

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

/// The sequences of --ids or --text for a model. Throws Error(kUsage) if it takes no text, Error(kInput) if
/// there are none, fewer than --sequences asks for, or an id that the model has no embedding of; a tokenizer
/// may have such as long as none occurs.
PackedText open_sequences(const InputOptions& options, CheckpointTokenizer& tokenizer,
                          const Architecture& architecture);

/// What an analysis reads, ready to run.
struct OpenInput {
  std::optional<Checkpoint> checkpoint;
  std::optional<ModelPlan> plan;
  bool one_of_several = false;  ///< the plan is of a stack beside which the model has others
  std::unique_ptr<Model> model;
  PackedText packed;                          ///< of a model of text
  std::optional<StoredImages> images;         ///< of a model of images
  std::vector<std::vector<int32_t>> dropped;  ///< as in SourceFacts
  std::unique_ptr<AttentionSource> source;
  nlohmann::ordered_json facts;  ///< for the report's member `input`
  std::string fingerprint;       ///< SHA-256 of all that is read
};

/// Of a checkpoint, the layers up to the last of `layers` are read; empty: all.
OpenInput open_input(const InputOptions& options, const std::vector<int64_t>& layers, Session& session);

/// Every file that these options name, shards and side files of a checkpoint included.
std::vector<std::string> files_read(const InputOptions& options, const Session& session);

/// Throws Error(kUsage) if `path`, which is to be written, is one of the files that are read.
void refuse_overwriting(const std::vector<std::string>& read, const std::string& path);

/// The inputs of `input` through a model of its architecture with random weights, kept in `models`.
std::unique_ptr<AttentionSource> open_untrained(const OpenInput& input, uint64_t seed,
                                                std::vector<std::unique_ptr<Model>>& models,
                                                Session& session);

}  // namespace linformer::cli
