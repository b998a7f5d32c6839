// SPDX-License-Identifier: MIT
// Q, K and V as the heads of a model have them on a text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/head_values.h"
#include "model/model.h"

namespace linformer {

/// Head j of a cell is head j of layer layers[j mod their number], so that all of these have a part in it;
/// sequence i is the i-th of its length. Rotary positions are in q and k, and s in q; biases by distance are
/// not there.
class ModelHeads final : public HeadValues {
 public:
  /// Ids of one sequence.
  using Ids = std::vector<int32_t>;

  /// `model` must outlive it; it may have fewer layers than its architecture. `name`: whose heads they are.
  /// `sequences`: those of each length, as many as a cell of that length has.
  ModelHeads(const Model& model, std::string name, std::vector<int64_t> layers,
             std::map<int64_t, std::vector<Ids>> sequences)
      : model_(model), name_(std::move(name)), layers_(std::move(layers)), sequences_(std::move(sequences)) {}

  std::string origin() const override { return name_; }
  void require(const BenchCell& cell) const override;
  void fill(const AttentionShape& shape, BenchTensors& tensors, Run& run) const override;

 private:
  const Model& model_;
  std::string name_;
  std::vector<int64_t> layers_;
  std::map<int64_t, std::vector<Ids>> sequences_;
};

}  // namespace linformer
