// SPDX-License-Identifier: MIT
// The input options of every command that reads a model, and the files that they name.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/family.h"
#include "options.h"

namespace linformer::cli {

struct InputOptions {
  std::string checkpoint;  ///< empty: the embedded default
  std::string model;       ///< sizes of an encoder with random weights, in place of a checkpoint; empty: none
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
  bool model = false;    ///< --model
};

void add_input_options(CLI::App& app, InputOptions& options, InputParts parts);

/// --layers and --heads as lists; empty: all.
struct Selection {
  std::string layers, heads;
  std::vector<int64_t> layer_list() const;
  std::vector<int64_t> head_list() const;
};
void add_selection(CLI::App& app, Selection& selection);

/// Every file that these options name, shards and side files of a checkpoint included.
std::vector<std::string> files_read(const InputOptions& options, const Session& session);

/// Throws Error(kUsage) if `path`, which is to be written, is one of the files that are read.
void refuse_overwriting(const std::vector<std::string>& read, const std::string& path);

}  // namespace linformer::cli
