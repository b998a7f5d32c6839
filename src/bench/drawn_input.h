// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/run.h"
#include "bench/result.h"
#include "model/architecture.h"
#include "model/model_input.h"

namespace linformer {

/// Random input of a model: token ids, each as likely as the other, or hidden states of N(0, 1) where it has
/// no embedding.
class DrawnInput {
 public:
  /// For cells with as many sequences as `largest` at most; the first numbers are drawn.
  DrawnInput(const Architecture& architecture, const BenchCell& largest, uint64_t seed, Run& run);

  /// Other numbers, the next ones of the seed.
  void draw_again();
  ModelInput of(const BenchCell& cell) const;

  static int64_t bytes(const Architecture& architecture, const BenchCell& cell);

 private:
  int64_t vocabulary_, length_, width_;
  uint64_t seed_, drawn_ = 0;
  Run& run_;
  Buffer<int32_t> ids_;                              ///< [b, n]
  std::vector<std::span<const int32_t>> sequences_;  ///< of ids_
  Buffer<float> states_;                             ///< [b · n, width]
};

}  // namespace linformer
