// SPDX-License-Identifier: MIT
#include "model/model.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <span>

#include "base/random.h"
#include "checkpoint/tensor_values.h"

namespace linformer {
namespace {

// Fills a tensor's place in the storage.
using Fill = std::function<void(const TensorRef&, std::span<float>)>;

constexpr uint32_t kInitPurpose = 0x1217;

int64_t count_of(const TensorRef& ref) { return element_count(ref.shape).value(); }

}  // namespace

/// Lays the tensors out one after another, each filled as it is reached.
class ModelBuilder {
 public:
  ModelBuilder(const ModelPlan& plan, MemoryAccount& account, Fill fill) : fill_(std::move(fill)) {
    int64_t floats = 0;
    for_each_tensor(plan, [&](const TensorRef& ref) { floats += aligned(count_of(ref)); });
    model_.architecture_ = plan.architecture;
    model_.storage_ = Buffer<float>(account, floats, "model weights");
  }

  Model build(const ModelPlan& plan) {
    model_.embeddings_ = {.words = matrix(plan.embeddings.words),
                          .positions = matrix(plan.embeddings.positions),
                          .types = matrix(plan.embeddings.types),
                          .norm = norm(plan.embeddings.norm)};
    for (const LayerRefs& refs : plan.layers) model_.layers_.push_back(layer(refs));
    if (plan.head) model_.head_ = head(plan);
    return std::move(model_);
  }

 private:
  static int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }

  // Consecutive tensors without a gap, e.g. query, key and value; returns the first's place.
  float* stack(std::initializer_list<const TensorRef*> refs) {
    float* const begin = model_.storage_.data() + used_;
    int64_t offset = 0;
    for (const TensorRef* ref : refs) {
      fill_(*ref, {begin + offset, static_cast<size_t>(count_of(*ref))});
      offset += count_of(*ref);
    }
    used_ += aligned(offset);
    return begin;
  }

  MatrixView<const float> matrix(const TensorRef& ref) {
    return {stack({&ref}), ref.shape[0], ref.shape[1], ref.shape[1]};
  }
  DenseWeights dense(const DenseRefs& refs) { return {matrix(refs.weight), stack({&refs.bias})}; }
  NormWeights norm(const NormRefs& refs) { return {stack({&refs.weight}), stack({&refs.bias})}; }

  LayerWeights layer(const LayerRefs& r) {
    const int64_t in = r.query.weight.shape[1];
    const int64_t out = r.query.weight.shape[0] + r.key.weight.shape[0] + r.value.weight.shape[0];
    DenseWeights qkv{{stack({&r.query.weight, &r.key.weight, &r.value.weight}), out, in, in},
                     stack({&r.query.bias, &r.key.bias, &r.value.bias})};
    return {.qkv = qkv,
            .attention_output = dense(r.attention_output),
            .attention_norm = norm(r.attention_norm),
            .ffn_in = dense(r.ffn_in),
            .ffn_out = dense(r.ffn_out),
            .ffn_norm = norm(r.ffn_norm)};
  }

  HeadWeights head(const ModelPlan& plan) {
    const bool tied = plan.head->decoder.weight.name == plan.embeddings.words.name;
    HeadWeights head{.transform = dense(plan.head->transform), .norm = norm(plan.head->norm), .decoder = {}};
    head.decoder.weight = tied ? model_.embeddings_.words : matrix(plan.head->decoder.weight);
    head.decoder.bias = stack({&plan.head->decoder.bias});
    return head;
  }

  Model model_;
  Fill fill_;
  int64_t used_ = 0;
};

Model Model::load(const Checkpoint& checkpoint, const ModelPlan& plan, MemoryAccount& account) {
  const auto fill = [&](const TensorRef& ref, std::span<float> out) {
    const TensorInfo& tensor = checkpoint.get(ref.name);
    copy_as_f32(tensor, checkpoint.weights_path(tensor), out);
  };
  return ModelBuilder(plan, account, fill).build(plan);
}

Model Model::untrained(const Architecture& a, uint64_t seed, MemoryAccount& account) {
  uint64_t index = 0;
  const auto dense = [](int64_t out, int64_t in) {
    return DenseRefs{{"weight", {out, in}}, {"zero", {out}}};
  };
  const NormRefs norm{{"one", {a.width}}, {"zero", {a.width}}};
  const LayerRefs layer{.query = dense(a.width, a.width),
                        .key = dense(a.width, a.width),
                        .value = dense(a.width, a.width),
                        .attention_output = dense(a.width, a.width),
                        .attention_norm = norm,
                        .ffn_in = dense(a.ffn_width, a.width),
                        .ffn_out = dense(a.width, a.ffn_width),
                        .ffn_norm = norm};
  const ModelPlan plan{.architecture = a,
                       .embeddings = {.words = {"weight", {a.vocabulary, a.width}},
                                      .positions = {"weight", {a.positions, a.width}},
                                      .types = {"weight", {a.token_types, a.width}},
                                      .norm = norm},
                       .layers = std::vector(static_cast<size_t>(a.layers), layer),
                       .head = {}};
  const auto fill = [&](const TensorRef& ref, std::span<float> out) {
    Random random({.seed = seed, .purpose = kInitPurpose, .index = index++});
    if (ref.name == "weight") {
      std::generate(out.begin(), out.end(), [&] { return a.init_deviation * random.normal(); });
    } else {
      std::fill(out.begin(), out.end(), ref.name == "one" ? 1.0f : 0.0f);
    }
  };
  return ModelBuilder(plan, account, fill).build(plan);
}

}  // namespace linformer
