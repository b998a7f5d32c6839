// SPDX-License-Identifier: MIT
#include "model/model.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>

#include "base/random.h"
#include "checkpoint/tensor_values.h"

namespace linformer {
namespace {

// Fills a tensor's place in the storage.
using Fill = std::function<void(const TensorRef&, std::span<float>)>;

constexpr uint32_t kInitPurpose = 0x1217;

int64_t count_of(const TensorRef& ref) { return element_count(ref.shape).value(); }

// The stored tensor, or the part of it that is meant, as [out, in].
void read(const TensorInfo& tensor, const TensorRef& ref, const std::string& file, std::span<float> out) {
  if (ref.shape == tensor.shape && !ref.transposed) return copy_as_f32(tensor, file, out);
  const int64_t rows = ref.shape.front();
  const int64_t cols = std::ssize(out) / rows;
  const auto part = [](std::span<float> values, int64_t begin, int64_t count) {
    return values.subspan(static_cast<size_t>(begin), static_cast<size_t>(count));
  };
  if (!ref.transposed) {
    for (int64_t r = 0; r < rows; ++r) {
      copy_part_as_f32(tensor, file, ref.stored_output(r) * cols, part(out, r * cols, cols));
    }
    return;
  }
  const int64_t stored = tensor.shape[1];
  std::vector<float> outputs(static_cast<size_t>(stored));
  for (int64_t c = 0; c < cols; ++c) {
    copy_part_as_f32(tensor, file, c * stored, outputs);
    for (int64_t r = 0; r < rows; ++r) {
      out[static_cast<size_t>(r * cols + c)] = outputs[static_cast<size_t>(ref.stored_output(r))];
    }
  }
}

}  // namespace

/// Lays the tensors out one after another, each filled as it is reached; those that are used again are
/// shared.
class ModelBuilder {
 public:
  ModelBuilder(const ModelPlan& plan, MemoryAccount& account, Fill fill)
      : plan_(plan), fill_(std::move(fill)) {
    model_.architecture_ = plan.architecture;
    build();  // counts
    model_.storage_ = Buffer<float>(account, used_, "model weights");
  }

  Model fill() {
    filling_ = true;
    build();
    return std::move(model_);
  }

 private:
  static int64_t aligned(int64_t floats) { return (floats + 15) / 16 * 16; }

  void build() {
    used_ = 0;
    first_use_.clear(), projections_.clear();
    model_.layers_.clear(), model_.weights_of_layer_.clear();
    const EmbeddingRefs& e = plan_.embeddings;
    model_.embeddings_ = {.words = matrix(e.words),
                          .positions = matrix(e.positions),
                          .types = matrix(e.types),
                          .norm = norm(e.norm),
                          .projection = dense(e.projection)};
    for (const LayerRefs& refs : plan_.layers) {
      const auto [shared, first] = first_use_.try_emplace(refs.query.weight.name, model_.layers_.size());
      model_.weights_of_layer_.push_back(shared->second);
      if (!first) continue;
      model_.layers_.push_back(layer(refs));
      const std::optional<Projection>& projection = plan_.architecture.projection;
      if (projection) model_.layers_.back().slots = projection->k[model_.weights_of_layer_.size() - 1];
    }
    model_.final_norm_ = norm(plan_.final_norm);
    if (plan_.head) model_.head_ = head(*plan_.head);
  }

  // Consecutive tensors without a gap, e.g. query, key and value; returns the first's place. Null where there
  // is none.
  float* stack(std::initializer_list<const TensorRef*> refs) {
    if (!(*refs.begin())->exists()) return nullptr;
    float* const begin = model_.storage_.data() + (filling_ ? used_ : 0);
    int64_t offset = 0;
    for (const TensorRef* ref : refs) {
      for (const TensorRef& part : stored_parts(*ref)) {
        if (filling_) fill_(part, {begin + offset, static_cast<size_t>(count_of(part))});
        offset += count_of(part);
      }
    }
    used_ += aligned(offset);
    return begin;
  }

  MatrixView<const float> matrix(const TensorRef& ref) {
    if (!ref.exists()) return {};
    return {stack({&ref}), ref.shape[0], ref.shape[1], ref.shape[1]};
  }
  DenseWeights dense(const DenseRefs& refs) { return {matrix(refs.weight), stack({&refs.bias})}; }
  NormWeights norm(const NormRefs& refs) { return {stack({&refs.weight}), stack({&refs.bias})}; }

  // One that several layers, or keys and values, share is there once.
  DenseWeights projection(const DenseRefs& refs) {
    if (!refs.weight.exists()) return {};
    const auto [shared, first] = projections_.try_emplace(refs.weight.name);
    if (first) shared->second = dense(refs);
    return shared->second;
  }

  LayerWeights layer(const LayerRefs& r) {
    const int64_t in = r.query.weight.shape[1];
    const int64_t out = r.query.weight.shape[0] + r.key.weight.shape[0] + r.value.weight.shape[0];
    DenseWeights qkv{{stack({&r.query.weight, &r.key.weight, &r.value.weight}), out, in, in},
                     stack({&r.query.bias, &r.key.bias, &r.value.bias})};
    const DenseWeights keys = projection(r.key_projection), values = projection(r.value_projection);
    return {.qkv = qkv,
            .key_projection = keys,
            .value_projection = values,
            .attention_inner = dense(r.attention_inner),
            .attention_output = dense(r.attention_output),
            .attention_norm = norm(r.attention_norm),
            .ffn_gate = dense(r.ffn_gate),
            .ffn_in = dense(r.ffn_in),
            .ffn_out = dense(r.ffn_out),
            .ffn_norm = norm(r.ffn_norm)};
  }

  HeadWeights head(const HeadRefs& refs) {
    const bool tied = refs.decoder.weight.name == plan_.embeddings.words.name;
    HeadWeights head{.transform = dense(refs.transform),
                     .norm = norm(refs.norm),
                     .activation = refs.activation,
                     .decoder = {}};
    head.decoder.weight = tied ? model_.embeddings_.words : matrix(refs.decoder.weight);
    head.decoder.bias = stack({&refs.decoder.bias});
    return head;
  }

  const ModelPlan& plan_;
  Fill fill_;
  Model model_;
  std::map<std::string, size_t> first_use_;          ///< of a layer's query, among the distinct layers
  std::map<std::string, DenseWeights> projections_;  ///< by the weight's name
  bool filling_ = false;
  int64_t used_ = 0;
};

Model Model::load(const Checkpoint& checkpoint, const ModelPlan& plan, MemoryAccount& account) {
  const auto fill = [&](const TensorRef& ref, std::span<float> out) {
    const TensorInfo& tensor = checkpoint.get(ref.name);
    read(tensor, ref, checkpoint.weights_path(tensor), out);
  };
  return ModelBuilder(plan, account, fill).fill();
}

Model Model::untrained(const ModelPlan& plan, uint64_t seed, MemoryAccount& account) {
  ModelPlan headless = plan;
  headless.head.reset();
  uint64_t index = 0;
  const float deviation = headless.architecture.init_deviation;
  const auto fill = [&](const TensorRef& ref, std::span<float> out) {
    Random random({.seed = seed, .purpose = kInitPurpose, .index = index++});
    if (ref.role == TensorRef::Role::kWeight) {
      const float of_tensor = ref.deviation > 0 ? ref.deviation : deviation;
      std::generate(out.begin(), out.end(), [&] { return of_tensor * random.normal(); });
    } else {
      std::fill(out.begin(), out.end(), ref.role == TensorRef::Role::kNormWeight ? 1.0f : 0.0f);
    }
  };
  return ModelBuilder(headless, account, fill).fill();
}

}  // namespace linformer
