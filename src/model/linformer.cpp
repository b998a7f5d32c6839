// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/families.h"
#include "model/linformer_file.h"
#include "model/linformer_planner.h"

namespace linformer {
namespace {

// The file's own description has every size; the tensors have fixed names, and those that may be missing are
// looked for.
class OwnPlanner final : public LinformerPlanner {
 public:
  explicit OwnPlanner(const Checkpoint& checkpoint) : LinformerPlanner(checkpoint) {
    subject_ = checkpoint.weights_path();
    a_ = architecture_from(config_, subject_);
  }

  ModelPlan plan() {
    ModelPlan plan{.architecture = a_, .embeddings = embeddings()};
    for (int64_t i = 0; i < a_.layers; ++i) plan.layers.push_back(layer(i));
    if (has("final_norm.weight")) plan.final_norm = some_norm("final_norm", a_.width);
    if (has("head.decoder.bias") || has("head.decoder.weight") || config_.contains("head_activation")) {
      plan.head = head(plan.embeddings.words);
    }
    return plan;
  }

 private:
  // Element i of a list of numbers.
  int64_t number(const nlohmann::json& object, const char* key, int64_t i) const {
    constexpr uint64_t kMost = std::numeric_limits<int32_t>::max();
    const auto list = object.find(key);
    const bool there = list != object.end() && list->is_array() && std::ssize(*list) == a_.layers &&
                       (*list)[static_cast<size_t>(i)].is_number_unsigned() &&
                       (*list)[static_cast<size_t>(i)].get<uint64_t>() <= kMost;
    if (there) return (*list)[static_cast<size_t>(i)].get<int64_t>();
    fail(ErrorCode::kInput, key, "no list of numbers from 0 on", "one for each layer");
  }

  DenseRefs some_dense(const std::string& name, int64_t out, int64_t in) const {
    if (!has(name + ".weight")) return {};
    DenseRefs refs = dense(name, out, in);
    if (!has(name + ".bias")) refs.bias = {};
    return refs;
  }
  DenseRefs needed_dense(const std::string& name, int64_t out, int64_t in) const {
    DenseRefs refs = dense(name, out, in);
    if (!has(name + ".bias")) refs.bias = {};
    return refs;
  }
  NormRefs some_norm(const std::string& name, int64_t width) const {
    if (!has(name + ".weight")) return {};
    NormRefs refs = norm(name, width);
    if (!has(name + ".bias")) refs.bias = {};
    return refs;
  }

  EmbeddingRefs embeddings() const {
    EmbeddingRefs refs{.words = weight("embeddings.words.weight", {a_.vocabulary, a_.embedding_width}),
                       .norm = some_norm("embeddings.norm", a_.embedding_width),
                       .projection = some_dense("embeddings.projection", a_.width, a_.embedding_width)};
    if (a_.embedding_width != a_.width) {
      refs.projection = needed_dense("embeddings.projection", a_.width, a_.embedding_width);
    }
    if (has("embeddings.positions.weight")) {
      const int64_t rows = a_.first_position + a_.positions;
      refs.positions = weight("embeddings.positions.weight", {table_rows(rows), a_.embedding_width});
    }
    if (has("embeddings.types.weight")) {
      if (a_.token_types < 1) {
        fail(ErrorCode::kInput, "token_types", "0", "1 or more, since there is embeddings.types.weight");
      }
      refs.types = weight("embeddings.types.weight", {a_.token_types, a_.embedding_width});
    }
    return refs;
  }
  // The table may have more rows than there are positions.
  int64_t table_rows(int64_t least) const {
    return std::max(least, shape_of("embeddings.positions.weight", 2)[0]);
  }

  // [g k, n] for one group of heads or one each; of a convolution [g d, d c].
  DenseRefs projection(int64_t i, const char* which) const {
    const nlohmann::json& json = config_["projection"];
    const std::string name = fmt::format("projections.{}", number(json, which, i));
    const Shape shape = shape_of(name + ".weight", 2);
    const int64_t k = a_.projection->k[static_cast<size_t>(i)];
    const bool convolution = a_.projection->kind == Projection::Kind::kConvolution;
    const int64_t group = convolution ? a_.head_size : k;
    const int64_t groups = shape[0] == group ? 1 : groups_of_heads();
    const int64_t least = convolution ? a_.head_size * (a_.positions / k) : a_.positions;
    const bool fits = convolution
                          ? shape[1] % a_.head_size == 0 && shape[1] / a_.head_size * k <= a_.positions
                          : shape[1] >= least;
    DenseRefs refs = needed_dense(name, groups * group, fits ? shape[1] : least);
    refs.weight.untrained = 1 / std::sqrt(static_cast<float>(k));
    return refs;
  }
  int64_t groups_of_heads() const {
    const bool of_heads = a_.projection->order == Projection::Order::kAfterWeights;
    return of_heads ? a_.kv_heads : 1;
  }

  LayerRefs layer(int64_t i) const {
    const int64_t weights = number(config_, "weights_of_layers", i);
    const std::string base = fmt::format("layers.{}.", weights);
    const int64_t queries = a_.heads * a_.head_size, keys = a_.kv_heads * a_.head_size;
    LayerRefs refs{.query = needed_dense(base + "attention.query", queries, a_.width),
                   .key = needed_dense(base + "attention.key", keys, a_.width),
                   .value = needed_dense(base + "attention.value", keys, a_.width),
                   .key_projection = projection(i, "keys"),
                   .value_projection = projection(i, "values"),
                   .attention_norm = some_norm(base + "attention.norm", a_.width),
                   .ffn_in = needed_dense(base + "ffn.in", a_.ffn_width, a_.width),
                   .ffn_out = needed_dense(base + "ffn.out", a_.width, a_.ffn_width),
                   .ffn_norm = some_norm(base + "ffn.norm", a_.width)};
    if (a_.gated_ffn) refs.ffn_gate = needed_dense(base + "ffn.gate", a_.ffn_width, a_.width);
    int64_t context = queries;
    if (has(base + "attention.inner.weight")) {
      context = shape_of(base + "attention.inner.weight", 2)[0];
      refs.attention_inner = needed_dense(base + "attention.inner", context, queries);
    }
    refs.attention_output = needed_dense(base + "attention.output", a_.width, context);
    return refs;
  }

  HeadRefs head(const TensorRef& words) const {
    HeadRefs head{.transform = some_dense("head.transform", a_.embedding_width, a_.width),
                  .norm = some_norm("head.norm", a_.embedding_width),
                  .activation = head_activation(),
                  .decoder = {.weight = words}};
    if (has("head.decoder.weight")) {
      head.decoder.weight = weight("head.decoder.weight", {a_.vocabulary, a_.embedding_width});
    }
    if (has("head.decoder.bias")) {
      head.decoder.bias = {
          .name = "head.decoder.bias", .shape = {a_.vocabulary}, .role = TensorRef::Role::kBias};
    }
    return head;
  }
  Activation head_activation() const {
    const auto name = config_.find("head_activation");
    const bool none = name == config_.end() || *name == "none";
    return none ? Activation::kNone : activation("head_activation", "gelu");
  }
};

}  // namespace

ModelPlan plan_linformer(const Checkpoint& checkpoint) { return OwnPlanner(checkpoint).plan(); }

}  // namespace linformer
