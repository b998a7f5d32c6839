// SPDX-License-Identifier: MIT
#include "model/bert.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "io/json.h"

namespace linformer {
namespace {

class BertPlanner {
 public:
  explicit BertPlanner(const Checkpoint& checkpoint)
      : checkpoint_(checkpoint), config_(checkpoint.config()), subject_(checkpoint.path_of("config.json")) {
    prefix_ = checkpoint.find("bert.embeddings.word_embeddings.weight") != nullptr ? "bert." : "";
  }

  ModelPlan plan() {
    refuse_variants();
    read_sizes();
    ModelPlan plan{.architecture = a_, .embeddings = embeddings(), .layers = {}, .head = head()};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    return plan;
  }

 private:
  [[noreturn]] void fail(ErrorCode code, const char* key, std::string found, std::string expected) const {
    throw Error(code,
                {.subject = subject_,
                 .item = key,
                 .found = std::move(found),
                 .expected = std::move(expected),
                 .remedy = "Any model can be analysed through --qk or --probabilities (see FORMATS.md)"});
  }

  void refuse_variants() const {
    const std::string positions = json_string(config_, "position_embedding_type", subject_, "absolute");
    if (positions != "absolute") {
      fail(ErrorCode::kUnsupported, "position_embedding_type", "'" + positions + "'", "'absolute'");
    }
    if (json_bool(config_, "is_decoder", subject_, false)) {
      fail(ErrorCode::kUnsupported, "is_decoder", "true", "an encoder");
    }
  }

  Activation activation() const {
    const std::string name = json_string(config_, "hidden_act", subject_, "gelu");
    if (name == "gelu") return Activation::kGelu;
    if (name == "gelu_new") return Activation::kGeluTanh;
    fail(ErrorCode::kUnsupported, "hidden_act", "'" + name + "'", "'gelu' or 'gelu_new'");
  }

  int64_t size(const char* key) const {
    const int64_t value = json_int(config_, key, subject_);
    if (value < 1 || value > (int64_t{1} << 31)) {
      fail(ErrorCode::kInput, key, std::to_string(value), "a size from 1 to 2^31");
    }
    return value;
  }

  void read_sizes() {
    a_.family = "bert";
    a_.layers = size("num_hidden_layers");
    if (a_.layers > static_cast<int64_t>(checkpoint_.tensors().size())) {
      fail(ErrorCode::kInput, "num_hidden_layers", std::to_string(a_.layers),
           "as many layers as the weights have");
    }
    a_.heads = size("num_attention_heads");
    a_.width = size("hidden_size");
    if (a_.width % a_.heads != 0) {
      fail(ErrorCode::kInput, "num_attention_heads", std::to_string(a_.heads),
           fmt::format("a divisor of hidden_size {}", a_.width));
    }
    a_.head_size = a_.width / a_.heads;
    a_.ffn_width = size("intermediate_size");
    a_.vocabulary = size("vocab_size");
    a_.positions = size("max_position_embeddings");
    a_.token_types = size("type_vocab_size");
    a_.activation = activation();
    a_.norm_epsilon = static_cast<float>(json_double(config_, "layer_norm_eps", subject_, 1e-12));
    a_.init_deviation = static_cast<float>(json_double(config_, "initializer_range", subject_, 0.02));
    a_.scale = 1.0f / std::sqrt(static_cast<float>(a_.head_size));
  }

  TensorRef ref(const std::string& name, Shape shape) const { return {name, std::move(shape)}; }

  DenseRefs dense(const std::string& name, int64_t out, int64_t in) const {
    return {ref(name + ".weight", {out, in}), ref(name + ".bias", {out})};
  }

  // The first releases called a LayerNorm's parameters gamma and beta.
  NormRefs norm(const std::string& name) const {
    const bool old = checkpoint_.find(name + ".gamma") != nullptr;
    return {ref(name + (old ? ".gamma" : ".weight"), {a_.width}),
            ref(name + (old ? ".beta" : ".bias"), {a_.width})};
  }

  EmbeddingRefs embeddings() const {
    const std::string base = prefix_ + "embeddings.";
    return {.words = ref(base + "word_embeddings.weight", {a_.vocabulary, a_.width}),
            .positions = ref(base + "position_embeddings.weight", {a_.positions, a_.width}),
            .types = ref(base + "token_type_embeddings.weight", {a_.token_types, a_.width}),
            .norm = norm(base + "LayerNorm")};
  }

  LayerRefs layer(int64_t i) const {
    const std::string base = fmt::format("{}encoder.layer.{}.", prefix_, i);
    return {.query = dense(base + "attention.self.query", a_.width, a_.width),
            .key = dense(base + "attention.self.key", a_.width, a_.width),
            .value = dense(base + "attention.self.value", a_.width, a_.width),
            .attention_output = dense(base + "attention.output.dense", a_.width, a_.width),
            .attention_norm = norm(base + "attention.output.LayerNorm"),
            .ffn_in = dense(base + "intermediate.dense", a_.ffn_width, a_.width),
            .ffn_out = dense(base + "output.dense", a_.width, a_.ffn_width),
            .ffn_norm = norm(base + "output.LayerNorm")};
  }

  std::optional<HeadRefs> head() const {
    const std::string base = "cls.predictions.";
    if (checkpoint_.find(base + "transform.dense.weight") == nullptr) return std::nullopt;
    DenseRefs decoder = dense(base + "decoder", a_.vocabulary, a_.width);
    if (checkpoint_.find(decoder.weight.name) == nullptr) decoder.weight = embeddings().words;
    if (checkpoint_.find(decoder.bias.name) == nullptr) decoder.bias.name = base + "bias";
    return HeadRefs{.transform = dense(base + "transform.dense", a_.width, a_.width),
                    .norm = norm(base + "transform.LayerNorm"),
                    .decoder = decoder};
  }

  const Checkpoint& checkpoint_;
  const nlohmann::json& config_;
  std::string subject_;
  std::string prefix_;
  Architecture a_;
};

}  // namespace

ModelPlan plan_bert(const Checkpoint& checkpoint) { return BertPlanner(checkpoint).plan(); }

}  // namespace linformer
