// SPDX-License-Identifier: MIT
// What the options of a Linformer make of a shape: its slots, its parameters, its operations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/linformer_options.h"
#include "attention/mechanism.h"
#include "attention/slot_projection.h"

namespace linformer {

class LinformerSizes {
 public:
  explicit LinformerSizes(const LinformerOptions& options) : options_(options) {}

  /// Throws Error(kUsage) for what cannot be computed: causal heads, more keys than positions, more windows
  /// than these, one kernel for rows of different sizes.
  void require_possible(const AttentionShape& shape) const;

  /// n that the parameters are made for.
  int64_t positions(const AttentionShape& s) const { return options_.n == 0 ? s.keys : options_.n; }
  /// Slots that there can be; require_possible() refuses more.
  int64_t slots(const AttentionShape& shape) const;

  /// As Mechanism::parameters(). Throws Error(kUsage) for more elements than can be counted.
  std::vector<ParameterSpec> parameters(const AttentionShape& shape) const;
  /// For rows of d elements, without data and factor.
  SlotWeights slot_weights(const AttentionShape& shape, int64_t d) const;

  /// Of rows of d elements: 2 k n d for E K; 2 n d² for a convolution, each position meeting a d × d matrix;
  /// n d additions or comparisons where windows are pooled; of all heads.
  double projection_flops(const AttentionShape& shape, int64_t d) const;

 private:
  int64_t kernel(const AttentionShape& s) const { return (positions(s) + options_.k - 1) / options_.k; }
  ParameterSpec spec(std::string name, const AttentionShape& s, int64_t d) const;

  LinformerOptions options_;
};

}  // namespace linformer
