// SPDX-License-Identifier: MIT
// What stands in Q, K and V of attention alone.
#pragma once

#include <cstdint>
#include <string>

#include "bench/bench_tensors.h"
#include "bench/result.h"

namespace linformer {

class HeadValues {
 public:
  virtual ~HeadValues() = default;
  /// Whose heads they are; empty: nobody's.
  virtual std::string origin() const = 0;
  /// Throws Error(kUsage) for a cell of which there are no values.
  virtual void require(const BenchCell& cell) const = 0;
  /// Puts Q, K and V of this shape in their places. Throws what running a model throws.
  virtual void fill(const AttentionShape& shape, BenchTensors& tensors, Run& run) const = 0;
};

/// Independent normal numbers, other ones for every head; those of q have the deviation that s q·k is to
/// have.
class DrawnValues final : public HeadValues {
 public:
  DrawnValues(float score_deviation, uint64_t seed) : score_deviation_(score_deviation), seed_(seed) {}

  std::string origin() const override { return ""; }
  void require(const BenchCell&) const override {}
  void fill(const AttentionShape& shape, BenchTensors& tensors, Run& run) const override;

 private:
  float score_deviation_;
  uint64_t seed_;
};

}  // namespace linformer
