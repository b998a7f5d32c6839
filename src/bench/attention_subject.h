// SPDX-License-Identifier: MIT
// Attention alone: Q, K, V that all cells share, a mechanism, its parameters and workspace.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/memory.h"
#include "bench/workload.h"

namespace linformer {

/// Q, K, V of independent normal numbers, distinct for every head, and room for O. A cell reads as much from
/// their beginning as it has, as dense [b, h, n, d].
class BenchTensors {
 public:
  /// Room for shapes of up to so many elements. `score_deviation`: that of s q·k.
  BenchTensors(int64_t elements, float score_deviation, uint64_t seed, Run& run);

  AttentionInput input(const AttentionShape& shape) const;
  HeadsView<float> output(const AttentionShape& shape) const;

  /// Of all four tensors for a shape.
  static int64_t bytes(const AttentionShape& shape);

 private:
  Buffer<float> q_, k_, v_, o_;
};

class AttentionSubject final : public Subject {
 public:
  /// `score_deviation`: of s q·k. Parameters are drawn as their specs say.
  AttentionSubject(float score_deviation, uint64_t seed, MechanismMaker make = make_registered)
      : score_deviation_(score_deviation), seed_(seed), make_(std::move(make)) {}

  Level level() const override { return Level::kAttention; }
  std::string name() const override { return "attention"; }
  CellPrediction predict(const BenchCell& cell, Run& run) const override;
  /// Fewer sequences, then fewer heads, one for each thread at least.
  BenchCell reduced(BenchCell cell, double share) const override;
  std::unique_ptr<Workbench> open(std::span<const BenchCell> cells, Run& run) const override;

 private:
  float score_deviation_;
  uint64_t seed_;
  MechanismMaker make_;
};

}  // namespace linformer
