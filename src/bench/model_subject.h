// SPDX-License-Identifier: MIT
// Layers of an encoder: the forward pass of model/forward.h, by one mechanism after another over the same
// weights.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bench/workload.h"
#include "model/model.h"

namespace linformer {

class ModelSubject final : public Subject {
 public:
  /// `model`: an encoder without a projection of its own, which must outlive it; one that begins with an
  /// embedding is timed as a model, one that does not as layers. `name`: of the whole model.
  ModelSubject(const Model& model, std::string name, uint64_t seed, MechanismMaker make = make_registered);

  Level level() const override { return has_embedding() ? Level::kModel : Level::kLayer; }
  std::string name() const override { return has_embedding() ? name_ : "a layer of " + name_; }
  /// `tensor_bytes`: of ids or hidden states; `workspace_bytes`: the forward pass's buffers;
  /// `parameter_bytes`: the weights as they are and as they are packed, E and F.
  CellPrediction predict(const BenchCell& cell, Run& run) const override;
  /// Fewer sequences, then fewer layers, one at least.
  BenchCell reduced(BenchCell cell, double share) const override;
  std::unique_ptr<Workbench> open(std::span<const BenchCell> cells, Run& run) const override;

 private:
  bool has_embedding() const { return model_.architecture().vocabulary > 0; }

  const Model& model_;
  std::string name_;
  uint64_t seed_;
  MechanismMaker make_;
};

}  // namespace linformer
