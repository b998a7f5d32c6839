// SPDX-License-Identifier: MIT
// What a cell needs to be run: tensors that all cells share, the mechanism, its parameters and workspace.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "attention/mechanism.h"
#include "base/memory.h"
#include "base/run.h"
#include "bench/result.h"

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

struct FirstCall {
  double ns = 0;
  int64_t extra_bytes = 0;  ///< that it took beyond its workspace
  CellError error;
};

/// A cell ready to be called.
class Workload {
 public:
  /// Parameters are drawn as their specs say. Throws Error(kUsage) for what the mechanism cannot do,
  /// Error(kMemory) if it does not fit. `tensors` and `run` must outlive it.
  Workload(const AttentionShape& shape, std::unique_ptr<Mechanism> mechanism, const BenchTensors& tensors,
           uint64_t seed, Run& run);

  /// O of all heads, once.
  void call();
  /// The same for the first time, against the reference over rows that `seed` chooses.
  FirstCall first_call(uint64_t seed);

 private:
  void make_parameters(uint64_t seed);

  AttentionShape shape_;
  std::unique_ptr<Mechanism> mechanism_;
  AttentionInput input_;
  HeadsView<float> output_;
  Run& run_;
  std::vector<Buffer<float>> parameters_;
  RawBuffer workspace_;
};

}  // namespace linformer
