// SPDX-License-Identifier: MIT
#include "model/planner.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "io/json.h"
#include "io/printable.h"

namespace linformer {
namespace {

constexpr const char* kRemedy = "Any model can be analysed through --qk or --probabilities (see FORMATS.md)";

// As transformers names them (activations.py).
constexpr std::array<std::pair<std::string_view, Activation>, 9> kActivations = {
    {{"gelu", Activation::kGelu},
     {"gelu_python", Activation::kGelu},
     {"gelu_new", Activation::kGeluTanh},
     {"gelu_fast", Activation::kGeluTanh},
     {"gelu_accurate", Activation::kGeluTanh},
     {"gelu_pytorch_tanh", Activation::kGeluTanh},
     {"relu", Activation::kRelu},
     {"silu", Activation::kSilu},
     {"swish", Activation::kSilu}}};

}  // namespace

std::string_view name_of(Activation activation) {
  for (const auto& [name, value] : kActivations) {
    if (value == activation) return name;
  }
  return "none";
}

Planner::Planner(const Checkpoint& checkpoint)
    : checkpoint_(checkpoint), config_(checkpoint.config()), subject_(checkpoint.path_of("config.json")) {
  a_.family = json_string(config_, "model_type", subject_);
}

Planner::Planner(const Checkpoint& checkpoint, std::string family)
    : checkpoint_(checkpoint),
      config_(checkpoint.known_config()),
      subject_(checkpoint.path_of("config.json")) {
  a_.family = std::move(family);
}

void Planner::fail(ErrorCode code, std::string_view key, std::string found, std::string expected) const {
  throw Error(code, {.subject = subject_,
                     .item = std::string(key),
                     .found = std::move(found),
                     .expected = std::move(expected),
                     .remedy = kRemedy});
}

void Planner::require(const char* key, const nlohmann::json& value) const {
  const auto found = config_.find(key);
  if (found == config_.end() || found->is_null() || *found == value) return;
  fail(ErrorCode::kUnsupported, key, printable(found->dump()), value.dump());
}

int64_t Planner::size(const char* key) const {
  const int64_t value = json_int(config_, key, subject_);
  if (value < 1 || value > (int64_t{1} << 31)) {
    fail(ErrorCode::kInput, key, std::to_string(value), "a size from 1 to 2^31");
  }
  return value;
}

int64_t Planner::size(const char* key, int64_t fallback) const {
  const auto found = config_.find(key);
  return found == config_.end() || found->is_null() ? fallback : size(key);
}

float Planner::real(const char* key, double fallback) const {
  const double value = json_double(config_, key, subject_, fallback);
  constexpr auto kLargest = static_cast<double>(std::numeric_limits<float>::max());
  if (!(value >= 0 && value <= kLargest)) {
    fail(ErrorCode::kInput, key, fmt::format("{}", value), "0 to the largest f32");
  }
  return static_cast<float>(value);
}

bool Planner::flag(const char* key, bool fallback) const {
  return json_bool(config_, key, subject_, fallback);
}

Activation Planner::activation(const char* key, const char* fallback) const {
  return activation_named(json_string(config_, key, subject_, fallback), key);
}

Activation Planner::activation_named(const std::string& name, const char* key) const {
  std::string known;
  for (const auto& [candidate, value] : kActivations) {
    if (candidate == name) return value;
    known += fmt::format("{}'{}'", known.empty() ? "" : ", ", candidate);
  }
  fail(ErrorCode::kUnsupported, key, fmt::format("'{}'", printable(name)), fmt::format("one of {}", known));
}

int64_t Planner::layer_count(const char* key) const {
  const int64_t layers = size(key);
  if (layers > static_cast<int64_t>(checkpoint_.tensors().size())) {
    fail(ErrorCode::kInput, key, std::to_string(layers), "as many layers as the weights have");
  }
  return layers;
}

int64_t Planner::split_over_heads(const char* heads_key, int64_t heads, int64_t width) const {
  if (width % heads == 0) return width / heads;
  fail(ErrorCode::kInput, heads_key, std::to_string(heads),
       fmt::format("a divisor of the hidden size {}", width));
}

void Planner::read_usual_sizes() {
  a_.heads = size("num_attention_heads");
  a_.width = size("hidden_size");
  a_.head_size = split_over_heads("num_attention_heads", a_.heads, a_.width);
  a_.ffn_width = size("intermediate_size");
  a_.vocabulary = size("vocab_size");
  a_.positions = size("max_position_embeddings");
  set_usual_attention();
}

void Planner::set_usual_attention() {
  a_.kv_heads = a_.heads;
  a_.embedding_width = a_.width;
  a_.scale = 1.0f / std::sqrt(static_cast<float>(a_.head_size));
}

std::string Planner::prefix_of(const std::string& prefix, const std::string& probe) const {
  return has(prefix + probe) ? prefix : "";
}

TensorRef Planner::weight(const std::string& name, Shape shape) const {
  return {.name = name, .shape = std::move(shape)};
}

DenseRefs Planner::dense(const std::string& name, int64_t out, int64_t in, bool bias) const {
  DenseRefs refs{.weight = weight(name + ".weight", {out, in})};
  if (bias) refs.bias = {.name = name + ".bias", .shape = {out}, .role = TensorRef::Role::kBias};
  return refs;
}

NormRefs Planner::norm(const std::string& name, int64_t width) const {
  const bool old = has(name + ".gamma");
  return {
      .weight = {.name = name + (old ? ".gamma" : ".weight"),
                 .shape = {width},
                 .role = TensorRef::Role::kNormWeight},
      .bias = {.name = name + (old ? ".beta" : ".bias"), .shape = {width}, .role = TensorRef::Role::kBias}};
}

NormRefs Planner::rms_norm(const std::string& name, int64_t width) const {
  return {.weight = {.name = name + ".weight", .shape = {width}, .role = TensorRef::Role::kNormWeight}};
}

std::optional<HeadRefs> Planner::decoder_head(const TensorRef& words, const std::string& name,
                                              bool tied) const {
  if (flag("tie_word_embeddings", tied)) return HeadRefs{.decoder = {.weight = words}};
  if (!has(name + ".weight")) return std::nullopt;
  return HeadRefs{.decoder = dense(name, words.shape[0], words.shape[1], false)};
}

}  // namespace linformer
