// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/printable.h"
#include "model/families.h"
#include "model/planner.h"

namespace linformer {
namespace {

// Names below a layer's, as checkpoints have them and as transformers 5 has them in memory, which is what it
// writes with save_original_format=False.
struct LayerNames {
  const char *layers, *query, *key, *value, *attention_output, *ffn_in, *ffn_out;
};

constexpr LayerNames kPublished = {.layers = "encoder.layer.",
                                   .query = "attention.attention.query",
                                   .key = "attention.attention.key",
                                   .value = "attention.attention.value",
                                   .attention_output = "attention.output.dense",
                                   .ffn_in = "intermediate.dense",
                                   .ffn_out = "output.dense"};
constexpr LayerNames kRenamed = {.layers = "layers.",
                                 .query = "attention.q_proj",
                                 .key = "attention.k_proj",
                                 .value = "attention.v_proj",
                                 .attention_output = "attention.o_proj",
                                 .ffn_in = "mlp.fc1",
                                 .ffn_out = "mlp.fc2"};

// Patches of an image behind one token of the model's own, or behind two, and a pre-norm encoder.
class VitPlanner final : public Planner {
 public:
  using Planner::Planner;

  // `tokens`: the model's own. `zero`: an untrained model has these and the positions 0.
  ModelPlan plan(const char* prefix, const std::vector<const char*>& tokens, bool zero) {
    prefix_ = prefix_of(prefix, "embeddings.cls_token");
    read_config();
    a_.positions = a_.image->patches() + std::ssize(tokens);
    ModelPlan plan{.architecture = a_,
                   .embeddings = embeddings(tokens, zero),
                   .final_norm = norm(prefix_ + "layernorm", a_.width)};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    return plan;
  }

 private:
  void read_config() {
    require("is_causal", false);
    a_.layers = layer_count("num_hidden_layers");
    a_.heads = size("num_attention_heads");
    a_.width = size("hidden_size");
    a_.head_size = size("head_dim", std::max<int64_t>(1, a_.width / a_.heads));
    set_usual_attention();
    a_.ffn_width = size("intermediate_size");
    a_.activation = activation("hidden_act", "gelu");
    a_.norm_place = NormPlace::kBefore;
    a_.norm_epsilon = real("layer_norm_eps", 1e-12);
    a_.init_deviation = real("initializer_range", 0.02);
    a_.image = image_shape();
  }

  ImageShape image_shape() const {
    const auto [height, width] = pair("image_size", 224);
    const auto [patch_height, patch_width] = pair("patch_size", 16);
    const ImageShape shape{.channels = size("num_channels", 3),
                           .height = height,
                           .width = width,
                           .patch_height = patch_height,
                           .patch_width = patch_width};
    if (!element_count({shape.channels, height, width})) {
      fail(ErrorCode::kInput, "image_size", fmt::format("{} x {}", height, width), "fewer than 2^63 pixels");
    }
    if (patch_height > height || patch_width > width) {
      fail(ErrorCode::kInput, "patch_size", fmt::format("{} x {}", patch_height, patch_width),
           fmt::format("at most the image's {} x {}", height, width));
    }
    return shape;
  }

  // Height and width: one number for both, or a list of two.
  std::pair<int64_t, int64_t> pair(const char* key, int64_t fallback) const {
    const auto found = config_.find(key);
    if (found == config_.end() || !found->is_array()) {
      const int64_t both = size(key, fallback);
      return {both, both};
    }
    const auto is_size = [](const nlohmann::json& value) {
      return value.is_number_unsigned() && value >= 1u && value <= uint64_t{1} << 31;
    };
    if (found->size() != 2 || !is_size((*found)[0]) || !is_size((*found)[1])) {
      fail(ErrorCode::kInput, key, printable(found->dump()), "a size, or a list of height and width");
    }
    return {(*found)[0].get<int64_t>(), (*found)[1].get<int64_t>()};
  }

  EmbeddingRefs embeddings(const std::vector<const char*>& tokens, bool zero) const {
    const ImageShape& image = *a_.image;
    const std::string base = prefix_ + "embeddings.";
    const auto role = zero ? TensorRef::Role::kZero : TensorRef::Role::kWeight;
    const auto rows = [&](const std::string& name, int64_t count) {
      TensorRef ref = weight(base + name, {count, a_.width});
      ref.stored = {1, count, a_.width};
      ref.role = role;
      return ref;
    };
    EmbeddingRefs refs{
        .positions = rows("position_embeddings", a_.positions),
        .patches = dense(base + "patch_embeddings.projection", a_.width, image.patch_values())};
    refs.patches.weight.stored = {a_.width, image.channels, image.patch_height, image.patch_width};
    for (const char* token : tokens) refs.prefix.push_back(rows(token, 1));
    return refs;
  }

  LayerRefs layer(int64_t i) const {
    const LayerNames& names =
        has(fmt::format("{}{}0.layernorm_before.weight", prefix_, kRenamed.layers)) ? kRenamed : kPublished;
    const std::string base = fmt::format("{}{}{}.", prefix_, names.layers, i);
    const int64_t inner = a_.heads * a_.head_size;
    const bool bias = flag("qkv_bias", true);
    const auto projection = [&](const char* name) {
      return bias ? dense(base + name, inner, a_.width) : dense(base + name, inner, a_.width, false);
    };
    return {.query = projection(names.query),
            .key = projection(names.key),
            .value = projection(names.value),
            .attention_output = dense(base + names.attention_output, a_.width, inner),
            .attention_norm = norm(base + "layernorm_before", a_.width),
            .ffn_in = dense(base + names.ffn_in, a_.ffn_width, a_.width),
            .ffn_out = dense(base + names.ffn_out, a_.width, a_.ffn_width),
            .ffn_norm = norm(base + "layernorm_after", a_.width)};
  }
};

}  // namespace

ModelPlan plan_vit(const Checkpoint& checkpoint) {
  return VitPlanner(checkpoint).plan("vit.", {"cls_token"}, false);
}

ModelPlan plan_deit(const Checkpoint& checkpoint) {
  return VitPlanner(checkpoint).plan("deit.", {"cls_token", "distillation_token"}, true);
}

}  // namespace linformer
