// SPDX-License-Identifier: MIT
// What the input options open.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "input_options.h"
#include "model/family.h"
#include "model/model.h"
#include "model/source.h"
#include "tokenizer/sequences.h"

namespace linformer::cli {

/// A folder, a file, a model in the hub's cache, or the default that is built in.
Checkpoint open_checkpoint(const std::string& path, const Session& session);

/// Says on stderr that the weights have layers which config.json does not count, if so.
void note_unused_layers(const Checkpoint& checkpoint, const ModelPlan& plan, const Session& session);

/// What an analysis reads, ready to run.
struct OpenInput {
  std::optional<Checkpoint> checkpoint;
  std::string name;  ///< of the model: where its weights are from
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

/// Of a checkpoint, the layers up to the last of `layers` are read; empty: all. `head`: all of them, and the
/// language-model head if there is one.
OpenInput open_input(const InputOptions& options, const std::vector<int64_t>& layers, Session& session,
                     bool head = false);

/// The same inputs through models with random weights, for the control init.
struct Untrained {
  std::vector<std::unique_ptr<Model>> models;
  std::vector<std::unique_ptr<AttentionSource>> sources;
};

/// `count` models of the input's architecture, of the seeds from `seed` on. Throws Error(kUsage) for input
/// that has no architecture.
Untrained open_untrained(const OpenInput& input, uint64_t seed, int64_t count, Session& session);

}  // namespace linformer::cli
