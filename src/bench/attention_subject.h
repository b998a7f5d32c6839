// SPDX-License-Identifier: MIT
// Attention alone: Q, K, V that all cells share, a mechanism, its parameters and workspace.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "bench/head_values.h"
#include "bench/workload.h"

namespace linformer {

class AttentionSubject final : public Subject {
 public:
  /// Parameters are drawn by `seed`, as their specs say.
  AttentionSubject(std::unique_ptr<const HeadValues> values, uint64_t seed,
                   MechanismMaker make = make_registered)
      : values_(std::move(values)), seed_(seed), make_(std::move(make)) {}
  /// Q, K and V are drawn; `score_deviation`: of s q·k.
  AttentionSubject(float score_deviation, uint64_t seed, MechanismMaker make = make_registered)
      : AttentionSubject(std::make_unique<DrawnValues>(score_deviation, seed), seed, std::move(make)) {}

  Level level() const override { return Level::kAttention; }
  std::string name() const override;
  CellPrediction predict(const BenchCell& cell, Run& run) const override;
  /// Fewer sequences, then fewer heads, one for each thread at least.
  BenchCell reduced(BenchCell cell, double share) const override;
  std::unique_ptr<Workbench> open(std::span<const BenchCell> cells, Run& run) const override;

 private:
  std::unique_ptr<const HeadValues> values_;
  uint64_t seed_;
  MechanismMaker make_;
};

}  // namespace linformer
