// SPDX-License-Identifier: MIT
#include "model/model.h"

#include <sys/mman.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <span>

#include "base/error.h"
#include "base/random.h"
#include "base/stride.h"
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

ModelPlan without_head(ModelPlan plan) {
  plan.head.reset();
  return plan;
}

// Addresses that nothing can be read from, which cost no memory.
std::shared_ptr<float> addresses(int64_t floats) {
  const size_t bytes = static_cast<size_t>(floats) * sizeof(float);
  void* const begin = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (begin == MAP_FAILED) {
    throw Error(ErrorCode::kMemory,
                {.subject = "model weights",
                 .found = "no room among addresses for " + format_bytes(static_cast<int64_t>(bytes))});
  }
  return {static_cast<float*>(begin), [bytes](float* first) { ::munmap(first, bytes); }};
}

}  // namespace

/// Lays the tensors out one after another, each filled as it is reached; those that are used again are
/// shared.
class ModelBuilder {
 public:
  explicit ModelBuilder(const ModelPlan& plan) : plan_(plan) {
    build();  // counts
    model_.floats_ = used_;
  }

  Model fill(MemoryAccount& account, Fill fill) {
    model_.storage_ = Buffer<float>(account, used_, "model weights");
    base_ = model_.storage_.data();
    fill_ = std::move(fill);
    build();
    return std::move(model_);
  }

  Model without_weights() {
    model_.addresses_ = addresses(used_);
    base_ = model_.addresses_.get();
    build();
    return std::move(model_);
  }

 private:
  void build() {
    used_ = 0;
    shared_.clear(), projections_.clear();
    build_stack(plan_, model_);
  }

  void build_stack(const ModelPlan& plan, Model& model) {
    if (plan.encoder) {
      model.encoder_.reset(new Model());
      build_stack(*plan.encoder, *model.encoder_);
    }
    model.architecture_ = plan.architecture;
    model.layers_.clear(), model.weights_of_layer_.clear(), model.projections_.clear();
    const EmbeddingRefs& e = plan.embeddings;
    model.embeddings_ = {.words = shared_matrix(e.words),
                         .positions = matrix(e.positions),
                         .types = matrix(e.types),
                         .norm = norm(e.norm),
                         .projection = dense(e.projection),
                         .patches = dense(e.patches),
                         .prefix = {}};
    for (const TensorRef& token : e.prefix) model.embeddings_.prefix.push_back(matrix(token));
    // Layers are one if their query is. E and F may differ even so.
    std::map<std::string, size_t> first_use;
    for (const LayerRefs& refs : plan.layers) {
      const auto [shared, first] = first_use.try_emplace(refs.query.weight.name, model.layers_.size());
      model.weights_of_layer_.push_back(shared->second);
      if (first) model.layers_.push_back(layer(refs));
      if (!plan.architecture.projection) continue;
      const int64_t k = plan.architecture.projection->k[model.projections_.size()];
      const DenseWeights keys = projection(refs.key_projection);
      model.projections_.push_back({.slots = k, .keys = keys, .values = projection(refs.value_projection)});
    }
    model.final_norm_ = norm(plan.final_norm);
    if (plan.head) model.head_ = head(*plan.head);
  }

  // Consecutive tensors without a gap, e.g. query, key and value; returns the first's place. Null where there
  // is none.
  float* stack(const std::vector<const TensorRef*>& refs) {
    if (!refs.front()->exists()) return nullptr;
    float* const begin = base_ == nullptr ? nullptr : base_ + used_;
    int64_t offset = 0;
    for (const TensorRef* ref : refs) {
      for (const TensorRef& part : stored_parts(*ref)) {
        if (fill_) fill_(part, {begin + offset, static_cast<size_t>(count_of(part))});
        offset += count_of(part);
      }
    }
    used_ += whole_lines(offset);
    return begin;
  }

  MatrixView<const float> matrix(const TensorRef& ref) {
    if (!ref.exists()) return {};
    return {stack({&ref}), ref.shape[0], ref.shape[1], ref.shape[1]};
  }
  // One that several parts of the model read: there once.
  MatrixView<const float> shared_matrix(const TensorRef& ref) {
    const auto [place, first] = shared_.try_emplace(ref.name);
    if (first) place->second = matrix(ref);
    return place->second;
  }
  DenseWeights dense(const DenseRefs& refs) { return {matrix(refs.weight), stack({&refs.bias})}; }
  NormWeights norm(const NormRefs& refs) { return {stack({&refs.weight}), stack({&refs.bias})}; }

  // Several layers on the same input as one.
  DenseWeights stacked(std::initializer_list<const DenseRefs*> parts) {
    std::vector<const TensorRef*> weights, biases;
    int64_t out = 0;
    for (const DenseRefs* part : parts) {
      weights.push_back(&part->weight), biases.push_back(&part->bias);
      out += part->weight.shape[0];
    }
    const int64_t in = weights.front()->shape[1];
    const MatrixView<const float> weight{stack(weights), out, in, in};
    return {weight, stack(biases)};
  }

  CrossWeights cross(const CrossRefs& r) {
    return {.query = dense(r.query),
            .key_value = stacked({&r.key, &r.value}),
            .output = dense(r.output),
            .norm = norm(r.norm)};
  }

  // One that several layers, or keys and values, share is there once.
  DenseWeights projection(const DenseRefs& refs) {
    if (!refs.weight.exists()) return {};
    const auto [shared, first] = projections_.try_emplace(refs.weight.name);
    if (first) shared->second = dense(refs);
    return shared->second;
  }

  LayerWeights layer(const LayerRefs& r) {
    return {.qkv = stacked({&r.query, &r.key, &r.value}),
            .attention_inner = dense(r.attention_inner),
            .attention_output = dense(r.attention_output),
            .distance_bias = shared_matrix(r.distance_bias),
            .attention_norm = norm(r.attention_norm),
            .cross = r.cross ? std::optional(cross(*r.cross)) : std::nullopt,
            .ffn_gate = dense(r.ffn_gate),
            .ffn_in = dense(r.ffn_in),
            .ffn_out = dense(r.ffn_out),
            .ffn_norm = norm(r.ffn_norm)};
  }

  HeadWeights head(const HeadRefs& refs) {
    HeadWeights head{.transform = dense(refs.transform),
                     .norm = norm(refs.norm),
                     .activation = refs.activation,
                     .decoder = {},
                     .scale = refs.scale};
    head.decoder.weight = shared_matrix(refs.decoder.weight);
    head.decoder.bias = stack({&refs.decoder.bias});
    return head;
  }

  const ModelPlan& plan_;
  Fill fill_;
  Model model_;
  std::map<std::string, MatrixView<const float>> shared_;  ///< by the tensor's name
  std::map<std::string, DenseWeights> projections_;        ///< by the weight's name
  float* base_ = nullptr;                                  ///< of the weights; null while they are counted
  int64_t used_ = 0;
};

Model Model::load(const Checkpoint& checkpoint, const ModelPlan& plan, MemoryAccount& account) {
  const auto fill = [&](const TensorRef& ref, std::span<float> out) {
    const TensorInfo& tensor = checkpoint.get(ref.name);
    read(tensor, ref, checkpoint.weights_path(tensor), out);
  };
  return ModelBuilder(plan).fill(account, fill);
}

Model Model::without_weights(const ModelPlan& plan) {
  const ModelPlan headless = without_head(plan);
  return ModelBuilder(headless).without_weights();
}

Model Model::untrained(const ModelPlan& plan, uint64_t seed, MemoryAccount& account) {
  const ModelPlan headless = without_head(plan);
  uint64_t index = 0;
  const auto fill = [&](const TensorRef& ref, std::span<float> out) {
    Random random({.seed = seed, .purpose = kInitPurpose, .index = index++});
    if (ref.role == TensorRef::Role::kWeight) {
      const float deviation = ref.untrained.value_or(headless.architecture.init_deviation);
      std::generate(out.begin(), out.end(), [&] { return deviation * random.normal(); });
    } else {
      const float constant = ref.role == TensorRef::Role::kNormWeight ? ref.untrained.value_or(1.0f) : 0.0f;
      std::fill(out.begin(), out.end(), constant);
    }
  };
  return ModelBuilder(headless).fill(account, fill);
}

}  // namespace linformer
