// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/json.h"
#include "model/families.h"
#include "model/planner.h"

namespace linformer {
namespace {

// RMS norms before each block, no scale, biases by distance in the first layer's table (umT5: in each
// layer's), no other biases. Encoder models have no decoder; h · d need not be the width.
class T5Planner final : public Planner {
 public:
  using Planner::Planner;

  ModelPlan plan() {
    read_config();
    a_.layers = layer_count("num_layers");
    ModelPlan encoder = stack("encoder.");
    require_one_embedding();
    if (!has_decoder()) return encoder;
    if (config_.contains("num_decoder_layers") && !config_["num_decoder_layers"].is_null()) {
      a_.layers = layer_count("num_decoder_layers");
    }
    a_.causal = true;
    ModelPlan decoder = stack("decoder.");
    decoder.head = head(decoder.embeddings.words);
    decoder.encoder = std::make_shared<const ModelPlan>(std::move(encoder));
    return decoder;
  }

 private:
  void read_config() {
    require("is_decoder", false);
    prefix_ = prefix_of("transformer.", "encoder.block.0.layer.0.SelfAttention.q.weight");
    a_.heads = size("num_heads");
    a_.width = size("d_model");
    a_.head_size = size("d_kv");
    set_usual_attention();
    a_.scale = 1;
    a_.ffn_width = size("d_ff");
    a_.vocabulary = size("vocab_size");
    a_.positions = kAnyLength;
    read_feed_forward();
    a_.norm_kind = NormKind::kRms;
    a_.norm_place = NormPlace::kBefore;
    a_.norm_epsilon = real("layer_norm_epsilon", 1e-6);
    read_buckets();
    read_start();
    factor_ = real("initializer_factor", 1.0);
  }

  // "gated-gelu" alone means another form of its activation.
  void read_feed_forward() {
    const char* key = "feed_forward_proj";
    const std::string gated = "gated-";
    const std::string kind = json_string(config_, key, subject_, a_.family == "t5" ? "relu" : "gated-gelu");
    a_.gated_ffn = kind.starts_with(gated);
    std::string name = a_.gated_ffn ? kind.substr(gated.size()) : kind;
    if (kind == "gated-gelu") name = "gelu_new";
    a_.activation = activation_named(name, key);
    require("is_gated_act", a_.gated_ffn);
    if (activation("dense_act_fn", name.c_str()) != a_.activation) {
      fail(ErrorCode::kUnsupported, "dense_act_fn", "another activation than that of feed_forward_proj",
           name);
    }
  }

  void read_buckets() {
    const char *count = "relative_attention_num_buckets", *far = "relative_attention_max_distance";
    a_.distance_buckets = {.count = size(count, 32), .far = size(far, 128)};
    if (a_.distance_buckets.count < 4) {
      fail(ErrorCode::kInput, count, std::to_string(a_.distance_buckets.count), "4 or more");
    }
    if (a_.distance_buckets.far <= a_.distance_buckets.count / 2) {
      fail(ErrorCode::kInput, far, std::to_string(a_.distance_buckets.far),
           fmt::format("more than half of {}, which is {}", count, a_.distance_buckets.count));
    }
  }

  // The padding's id where the config does not say, as T5 has it.
  void read_start() {
    const char* key = "decoder_start_token_id";
    const int64_t padding = json_int(config_, "pad_token_id", subject_, 0);
    const int64_t id = json_int(config_, key, subject_, padding);
    if (id < 0 || id >= a_.vocabulary) {
      fail(ErrorCode::kInput, key, std::to_string(id), fmt::format("an id below {}", a_.vocabulary));
    }
    a_.decoder_start_id = static_cast<int32_t>(id);
  }

  bool has_decoder() const {
    const std::string begin = prefix_ + "decoder.block.";
    return std::any_of(checkpoint_.tensors().begin(), checkpoint_.tensors().end(),
                       [&](const TensorInfo& tensor) { return tensor.name.starts_with(begin); });
  }

  // An untrained one is N(0, (factor / √fan)²): the scale that P lacks is in that of q.
  DenseRefs linear(const std::string& name, int64_t out, int64_t in, int64_t fan) const {
    DenseRefs refs = dense(name, out, in, false);
    refs.weight.untrained = factor_ / std::sqrt(static_cast<float>(fan));
    return refs;
  }

  NormRefs norm_of(const std::string& name) const {
    NormRefs refs = rms_norm(name, a_.width);
    refs.weight.untrained = factor_;
    return refs;
  }

  // One table, whose copies in the encoder and the decoder need not be in the file; others are not copies.
  TensorRef words() const {
    TensorRef words = weight(prefix_ + "shared.weight", {a_.vocabulary, a_.width});
    if (!has(words.name)) words.name = prefix_ + "encoder.embed_tokens.weight";
    words.untrained = factor_;
    return words;
  }

  void require_one_embedding() const {
    const std::string shared = words().name;
    for (const char* stack : {"encoder.", "decoder."}) {
      const std::string own = prefix_ + stack + "embed_tokens.weight";
      if (!has(own) || same_values(checkpoint_.get(own), checkpoint_.get(shared))) continue;
      fail(ErrorCode::kUnsupported, own, fmt::format("other values than {}", shared),
           "one embedding for encoder and decoder");
    }
  }

  static bool same_values(const TensorInfo& a, const TensorInfo& b) {
    if (a.dtype != b.dtype || a.shape != b.shape || a.strides != b.strides) return false;
    return a.bytes.data() == b.bytes.data() || std::ranges::equal(a.bytes, b.bytes);
  }

  ModelPlan stack(const std::string& name) const {
    ModelPlan plan{.architecture = a_,
                   .embeddings = {.words = words()},
                   .final_norm = norm_of(prefix_ + name + "final_layer_norm")};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(prefix_ + name, i));
    return plan;
  }

  CrossRefs attention(const std::string& base, const char* kind) const {
    const std::string name = base + kind;
    const int64_t inner = a_.heads * a_.head_size, width = a_.width;
    return {.query = linear(name + ".q", inner, width, width * a_.head_size),
            .key = linear(name + ".k", inner, width, width),
            .value = linear(name + ".v", inner, width, width),
            .output = linear(name + ".o", width, inner, inner),
            .norm = norm_of(base + "layer_norm")};
  }

  LayerRefs layer(const std::string& stack, int64_t i) const {
    const auto block = [&](int64_t b, int part) {
      return fmt::format("{}block.{}.layer.{}.", stack, b, part);
    };
    const CrossRefs self = attention(block(i, 0), "SelfAttention");
    LayerRefs layer{.query = self.query,
                    .key = self.key,
                    .value = self.value,
                    .attention_output = self.output,
                    .attention_norm = self.norm};
    const int64_t table = a_.family == "umt5" ? i : 0;
    layer.distance_bias = weight(block(table, 0) + "SelfAttention.relative_attention_bias.weight",
                                 {a_.distance_buckets.count, a_.heads});
    layer.distance_bias.untrained = factor_ / std::sqrt(static_cast<float>(a_.width));
    if (a_.causal) layer.cross = attention(block(i, 1), "EncDecAttention");
    feed_forward(block(i, a_.causal ? 2 : 1), layer);
    return layer;
  }

  void feed_forward(const std::string& base, LayerRefs& layer) const {
    const std::string name = base + "DenseReluDense.";
    if (a_.gated_ffn) layer.ffn_gate = linear(name + "wi_0", a_.ffn_width, a_.width, a_.width);
    layer.ffn_in = linear(name + (a_.gated_ffn ? "wi_1" : "wi"), a_.ffn_width, a_.width, a_.width);
    layer.ffn_out = linear(name + "wo", a_.width, a_.ffn_width, a_.ffn_width);
    layer.ffn_norm = norm_of(base + "layer_norm");
  }

  // Version 1.0 multiplies hidden states by 1/√width before its head, which is the embedding. Since
  // transformers 5 the config says so itself; before, it followed from the tie. mT5 never does.
  std::optional<HeadRefs> head(const TensorRef& words) const {
    const bool tied = flag("tie_word_embeddings", true);
    const bool scaled = a_.family != "mt5" && flag("scale_decoder_outputs", tied);
    HeadRefs head{.scale = scaled ? 1 / std::sqrt(static_cast<float>(a_.width)) : 1};
    if (has("lm_head.weight")) {
      head.decoder = dense("lm_head", a_.vocabulary, a_.width, false);
    } else if (tied) {
      head.decoder.weight = words;
    } else {
      return std::nullopt;
    }
    return head;
  }

  float factor_ = 1;
};

}  // namespace

ModelPlan plan_t5(const Checkpoint& checkpoint) { return T5Planner(checkpoint).plan(); }

}  // namespace linformer
