// SPDX-License-Identifier: MIT
// What a source shows of each sequence, kept; small tensor files; a loaded fixture.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "io/temporary_folder.h"
#include "model/family.h"
#include "model/model.h"
#include "model/source.h"
#include "recorded.h"

namespace linformer {

using PlanChange = std::function<ModelPlan(ModelPlan)>;

/// A stack of a checkpoint's folder, ready to run on two threads. `change`: what is done to its plan first.
struct LoadedFixture {
  explicit LoadedFixture(
      const std::string& folder = fixture("bert/base-prefixless"), std::optional<Stack> stack = {},
      const PlanChange& change = [](ModelPlan same) { return same; })
      : checkpoint(Checkpoint::open(folder, true)),
        plan(change(select_stack(plan_model(checkpoint), stack))),
        model(Model::load(checkpoint, plan, memory)) {}

  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  Checkpoint checkpoint;
  ModelPlan plan;
  Model model;
};

/// Matrix b's heads, dense [heads, rows, cols]; nothing where there is no data.
inline std::vector<float> dense_of(HeadsView<const float> heads, int64_t b) {
  if (heads.data == nullptr) return {};
  heads.data += b * heads.batch_stride;
  return dense(heads);
}

/// Rows of sequence b of `batch`; nothing where there is no data.
inline std::vector<float> dense_of(MatrixView<const float> rows, int64_t b, int64_t batch) {
  if (rows.data == nullptr) return {};
  const int64_t n = rows.rows / batch;
  return dense(MatrixView<const float>{rows.row(b * n), n, rows.cols, rows.stride});
}

/// Keeps all that is shown, by layer and sequence; and the calls, in order.
class Recorder final : public LayerVisitor {
 public:
  explicit Recorder(LayerWants wants = {.logits = true, .probabilities = true, .hidden = true})
      : wants_(wants) {}

  LayerWants wants(int64_t) const override { return wants_; }
  void on_layer(const LayerView& view) override {
    const auto batch = static_cast<int64_t>(view.sequences.size());
    for (int64_t b = 0; b < batch; ++b) {
      const int64_t sequence = view.sequences[static_cast<size_t>(b)];
      calls.emplace_back(view.layer, sequence);
      kept[{view.layer, sequence}] = {dense_of(view.q, b),
                                      dense_of(view.k, b),
                                      dense_of(view.v, b),
                                      dense_of(view.logits, b),
                                      dense_of(view.probabilities, b),
                                      dense(view.distance_bias),
                                      dense_of(view.hidden, b, batch)};
      if (view.embeddings.data != nullptr) embeddings[sequence] = dense_of(view.embeddings, b, batch);
    }
  }

  const KeptLayer& at(int64_t layer, int64_t sequence) const { return kept.at({layer, sequence}); }

  std::map<std::pair<int64_t, int64_t>, KeptLayer> kept;
  std::map<int64_t, std::vector<float>> embeddings;
  std::vector<std::pair<int64_t, int64_t>> calls;  ///< (layer, sequence)

 private:
  LayerWants wants_;
};

/// A tensor with its little-endian bytes.
struct MadeTensor {
  TensorSpec spec;
  std::string bytes;
};

template <class T>
MadeTensor made_tensor(std::string name, DType dtype, Shape shape, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {{std::move(name), dtype, std::move(shape)},
          std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
}

inline MadeTensor made_floats(std::string name, Shape shape, const std::vector<float>& values) {
  return made_tensor(std::move(name), DType::kF32, std::move(shape), values);
}

inline MadeTensor made_integers(std::string name, const std::vector<int64_t>& values) {
  return made_tensor(std::move(name), DType::kI64, {static_cast<int64_t>(values.size())}, values);
}

/// Writes them as a safetensors file of the folder and gives its path.
inline std::string put_tensors(const TemporaryFolder& folder, const std::vector<MadeTensor>& tensors,
                               const std::string& name = "made.safetensors",
                               const std::map<std::string, std::string>& metadata = {}) {
  std::vector<TensorSpec> specs;
  for (const MadeTensor& tensor : tensors) specs.push_back(tensor.spec);
  SafetensorsWriter writer(folder.path(name), specs, metadata);
  for (size_t i = 0; i < tensors.size(); ++i) {
    writer.write(i, 0, std::as_bytes(std::span<const char>(tensors[i].bytes)));
  }
  writer.commit();
  return folder.path(name);
}

}  // namespace linformer
