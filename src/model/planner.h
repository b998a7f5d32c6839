// SPDX-License-Identifier: MIT
// What the families share in reading config.json and naming tensors.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "model/architecture.h"

namespace linformer {

/// A checkpoint's config and names. All throw Error naming config.json and the key.
class Planner {
 public:
  explicit Planner(const Checkpoint& checkpoint);
  /// Of a family that is recognised by its tensors: there may be no config.json.
  Planner(const Checkpoint& checkpoint, std::string family);

 protected:
  [[noreturn]] void fail(ErrorCode code, std::string_view key, std::string found, std::string expected) const;
  /// Throws Error(kUnsupported) unless the key is missing or has this value.
  void require(const char* key, const nlohmann::json& value) const;

  /// An integer from 1 to 2^31; of the second form, `fallback` where it is missing or null.
  int64_t size(const char* key) const;
  int64_t size(const char* key, int64_t fallback) const;
  float real(const char* key, double fallback) const;
  bool flag(const char* key, bool fallback) const;
  Activation activation(const char* key, const char* fallback) const;
  /// The one that transformers calls so; `key` is for the message.
  Activation activation_named(const std::string& name, const char* key) const;
  /// The number of layers, refused where the weights cannot have as many.
  int64_t layer_count(const char* key) const;
  /// `width` split over the heads. Throws Error(kInput) where that leaves a rest.
  int64_t split_over_heads(const char* heads_key, int64_t heads, int64_t width) const;
  /// Heads, widths, vocabulary and positions by the names that most families have.
  void read_usual_sizes();
  /// s = 1/√d, as most have it, one kv head a head, embeddings as wide as the hidden states.
  void set_usual_attention();

  /// `prefix` if names in this checkpoint have it: task models do, base models do not. `probe`: a name
  /// without it that every checkpoint of the family has.
  std::string prefix_of(const std::string& prefix, const std::string& probe) const;
  bool has(const std::string& tensor) const { return checkpoint_.find(tensor) != nullptr; }

  TensorRef weight(const std::string& name, Shape shape) const;
  /// `name`.weight [out, in] and, with `bias`, `name`.bias [out].
  DenseRefs dense(const std::string& name, int64_t out, int64_t in, bool bias = true) const;
  /// `name`.weight and `name`.bias [width]; gamma and beta, as the first releases called them, too.
  NormRefs norm(const std::string& name, int64_t width) const;
  NormRefs rms_norm(const std::string& name, int64_t width) const;
  /// A decoder alone: `words` where they are tied to it (`tied`: what is so where config.json does not say),
  /// else `name`.weight; nothing where that is missing.
  std::optional<HeadRefs> decoder_head(const TensorRef& words, const std::string& name, bool tied) const;

  const Checkpoint& checkpoint_;
  const nlohmann::json& config_;
  std::string subject_;
  std::string prefix_ = {};
  Architecture a_ = {};
};

}  // namespace linformer
