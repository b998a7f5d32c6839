// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "checkpoint/tensor_values.h"
#include "model/families.h"
#include "model/linformer_planner.h"

namespace linformer {
namespace {

constexpr const char* kPrefixes[] = {"linformer.", "linformer.fn.", ""};
constexpr const char* kProbe = "seq.0.fn.to_q.0.weight";

// LinformerLM: post-norm; a head has its own to_q, to_k and to_v, without bias, and E and F of its own or
// shared, which are stored under every head; sinusoidal positions; no input but of the whole length.
class Tatp22Planner final : public LinformerPlanner {
 public:
  using LinformerPlanner::LinformerPlanner;

  ModelPlan plan() {
    refuse_variants();
    read_sizes();
    ModelPlan plan{.architecture = {},
                   .embeddings = {.words = embedding("to_token_emb", a_.vocabulary, a_.embedding_width)}};
    plan.embeddings.frequencies = weight("pos_emb.inv_freq", {a_.embedding_width / 2});
    const bool projected = has("linformer.project_in.weight");
    if (projected) plan.embeddings.projection = linear("linformer.project_in", a_.width, a_.embedding_width);
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    if (has("to_logits.weight")) {
      plan.head = HeadRefs{.activation = Activation::kNone,
                           .decoder = linear("to_logits", a_.vocabulary, a_.embedding_width)};
      if (projected) plan.head->transform = linear("linformer.project_out", a_.embedding_width, a_.width);
    }
    plan.architecture = a_;
    plan.notes = {
        "the weights do not tell causal, full_attention and decoder_mode: none is assumed (config.json, e.g. "
        "\"causal\": true)"};
    if (!config_.contains("activation")) {
      plan.notes.emplace_back("the activation is not told: gelu is assumed (config.json: \"activation\")");
    }
    return plan;
  }

 private:
  std::string attention(int64_t i, const std::string& name) const {
    return fmt::format("{}seq.{}.{}", prefix_, 2 * i, name);
  }
  std::string feed_forward(int64_t i, const char* name) const {
    return fmt::format("{}seq.{}.{}", prefix_, 2 * i + 1, name);
  }
  std::string head_of(int64_t i, int64_t head, const char* name) const {
    return attention(i, fmt::format("fn.heads.{}.{}", head, name));
  }

  void refuse_variants() {
    for (const char* prefix : {"encoder.linformer.", "encoder.linformer.fn."}) {
      if (has(prefix + std::string(kProbe))) unsupported("an encoder with a decoder", "class LinformerLM");
    }
    for (const char* prefix : kPrefixes) {
      if (has(prefix + std::string(kProbe))) prefix_ = prefix;
    }
    if (!has("to_token_emb.weight")) {
      unsupported("layers without embeddings (class Linformer)", "a whole model (class LinformerLM)");
    }
    require("causal", false), require("full_attention", false), require("decoder_mode", false);
    if (!has(feed_forward(0, "fn.w_1.weight"))) {
      unsupported("a model with include_ff = False", "one with feed-forward blocks");
    }
    for (const std::string& name :
         {attention(0, "resample.weight"), std::string(feed_forward(0, "resample.weight"))}) {
      if (has(name)) unsupported("a model with ff_intermediate", "layers of equal width");
    }
    if (!has(head_of(0, 0, "E.weight"))) {
      unsupported("no E (method = no_params): it is random and not in the file", "learnable or convolution");
    }
  }

  void read_sizes() {
    const Shape words = shape_of("to_token_emb.weight", 2);
    a_.vocabulary = words[0];
    a_.layers = count_some([this](int64_t i) { return attention(i, "fn.to_q.0.weight"); });
    a_.heads = count_some([this](int64_t h) { return attention(0, fmt::format("fn.to_q.{}.weight", h)); });
    const Shape query = shape_of(attention(0, "fn.to_q.0.weight"), 2);
    a_.head_size = query[0];
    a_.width = query[1];
    set_usual_attention();
    a_.embedding_width = words[1];
    a_.ffn_width = shape_of(feed_forward(0, "fn.w_1.weight"), 2)[0];
    a_.activation = activation("activation", "gelu");
    a_.norm_epsilon = 1e-5f;
    read_frequencies();
    read_projection();
  }

  // As they are stored: they were rounded to f32 when the model was made.
  void read_frequencies() {
    const Shape& shape = shape_of("pos_emb.inv_freq", 1);
    if (2 * shape[0] != a_.embedding_width) {
      fail(ErrorCode::kInput, "pos_emb.inv_freq", fmt::format("{} frequencies", shape[0]),
           fmt::format("{}, half the embedding's width", a_.embedding_width / 2));
    }
    a_.sinusoid_frequencies.resize(static_cast<size_t>(shape[0]));
    copy_as_f32(checkpoint_.get("pos_emb.inv_freq"), checkpoint_.weights_path(), a_.sinusoid_frequencies);
  }

  void read_projection() {
    Projection projection{.whole_length = true};
    const size_t rank = checkpoint_.get(head_of(0, 0, "E.weight")).shape.size();
    if (rank == 3) projection.kind = Projection::Kind::kConvolution;
    a_.positions = rank == 3 ? untold_size("input_size", "the length of a convolution's input")
                             : shape_of(head_of(0, 0, "E.weight"), 2)[1];
    for (int64_t i = 0; i < a_.layers; ++i) {
      const Shape& e = shape_of(projection_names(i, "E", "weight")[0], rank == 3 ? 3 : 2);
      if (rank == 3 && e[2] > a_.positions) {
        fail(ErrorCode::kInput, "input_size", std::to_string(a_.positions),
             fmt::format("at least the convolution's kernel {}", e[2]));
      }
      projection.k.push_back(rank == 3 ? a_.positions / e[2] : e[0]);
    }
    a_.projection = projection;
  }

  // Where E or F of each head is stored, or the one that all have. safetensors leaves repeated tensors out: a
  // layer without those of heads 1, 2 ... shares the first head's, one without F has E, and one without
  // either the first layer's.
  std::vector<std::string> projection_names(int64_t i, const char* which, const char* kind) const {
    const auto name = [&](int64_t layer, int64_t head, const char* w) {
      return head_of(layer, head, fmt::format("{}.{}", w, kind).c_str());
    };
    for (const char* w : {which, "E"}) {
      const int64_t own = count([&](int64_t h) { return name(i, h, w); });
      if (own == 0) continue;
      std::vector<std::string> names;
      for (int64_t h = 0; h < (own == 1 ? 1 : a_.heads); ++h) names.push_back(same_bytes(name(i, h, w)));
      const bool one = std::ranges::all_of(names, [&](const std::string& n) { return n == names[0]; });
      return one ? std::vector{names[0]} : names;
    }
    return {same_bytes(name(0, 0, "E"))};
  }

  DenseRefs projection(int64_t i, const char* which) const {
    const bool convolution = a_.projection->kind == Projection::Kind::kConvolution;
    const int64_t k = a_.projection->k[static_cast<size_t>(i)];
    const Shape stored = shape_of(projection_names(i, which, "weight")[0], convolution ? 3 : 2);
    const int64_t rows = convolution ? a_.head_size : k;
    const int64_t cols = convolution ? a_.head_size * stored[2] : a_.positions;
    DenseRefs refs{.weight = per_head(i, which, "weight", {rows, cols}), .bias = {}};
    const float fan = static_cast<float>(convolution ? cols : rows + cols);
    refs.weight.untrained = convolution ? 1 / std::sqrt(3 * fan) : std::sqrt(2 / fan);
    if (convolution) refs.weight.stored = {a_.head_size, a_.head_size, stored[2]};
    if (!has(projection_names(i, which, "bias")[0])) return refs;
    refs.bias = per_head(i, which, "bias", {rows});
    refs.bias.role = TensorRef::Role::kBias;
    return refs;
  }

  // One tensor where all heads share it, else theirs one above the other.
  TensorRef per_head(int64_t i, const char* which, const char* kind, Shape shape) const {
    std::vector<std::string> names = projection_names(i, which, kind);
    return names.size() == 1 ? weight(names[0], std::move(shape))
                             : stacked(std::move(names), std::move(shape));
  }

  // `shape`: of each.
  TensorRef stacked(std::vector<std::string> names, Shape shape) const {
    shape[0] *= std::ssize(names);
    TensorRef ref = weight(names.front(), std::move(shape));
    ref.parts = std::move(names);
    return ref;
  }

  DenseRefs heads(int64_t i, const char* name) const {
    std::vector<std::string> names;
    for (int64_t h = 0; h < a_.heads; ++h)
      names.push_back(attention(i, fmt::format("fn.{}.{}.weight", name, h)));
    TensorRef ref = stacked(std::move(names), {a_.head_size, a_.width});
    ref.untrained = 1 / std::sqrt(3 * static_cast<float>(a_.width));
    return {.weight = ref, .bias = {}};
  }

  LayerRefs layer(int64_t i) const {
    const int64_t context = a_.heads * a_.head_size;
    LayerRefs refs{.query = heads(i, "to_q"),
                   .key = heads(i, "to_k"),
                   .value = heads(i, "to_v"),
                   .key_projection = projection(i, "E"),
                   .value_projection = projection(i, "F"),
                   .attention_norm = norm(attention(i, "norm"), a_.width),
                   .ffn_in = linear(feed_forward(i, "fn.w_1"), a_.ffn_width, a_.width),
                   .ffn_out = linear(feed_forward(i, "fn.w_2"), a_.width, a_.ffn_width),
                   .ffn_norm = norm(feed_forward(i, "norm"), a_.width)};
    const std::string inner = attention(i, "fn.w_o_1");
    if (!has(inner + ".weight")) {
      refs.attention_output = linear(attention(i, "fn.w_o"), a_.width, context);
      return refs;
    }
    const int64_t width = shape_of(inner + ".weight", 2)[0];
    refs.attention_inner = linear(inner, width, context);
    refs.attention_output = linear(attention(i, "fn.w_o_2"), a_.width, width);
    return refs;
  }
};

}  // namespace

bool is_linformer_tatp22(const Checkpoint& checkpoint) {
  for (const std::string prefix :
       {"linformer.", "linformer.fn.", "", "encoder.linformer.", "encoder.linformer.fn."}) {
    if (checkpoint.find(prefix + kProbe) != nullptr) return true;
  }
  return false;
}

ModelPlan plan_linformer_tatp22(const Checkpoint& checkpoint) {
  return Tatp22Planner(checkpoint, "linformer, tatp22").plan();
}

}  // namespace linformer
