// SPDX-License-Identifier: MIT
// Which cells a bench has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "attention/mechanism.h"
#include "bench/result.h"

namespace linformer {

struct SweepOptions {
  std::vector<std::string> mechanisms;  ///< specifications
  std::vector<int64_t> lengths, heads, head_sizes, batches;
  int64_t tokens = 0;  ///< if not 0: the batch of each length is tokens / length, at least 1
  bool causal = false;
};

/// The specifications of "a;b;c"; a linformer without k becomes one for each of `ks`. Throws Error(kUsage)
/// for an empty one.
std::vector<std::string> expand_mechanisms(std::string_view list, const std::vector<int64_t>& ks);

/// The cross product, cells of one shape next to each other, shapes from short to long; no cell twice.
/// Throws Error(kUsage) for an unknown mechanism and for sizes whose product cannot be counted.
std::vector<BenchCell> sweep(const SweepOptions& options);

/// s = 1/√d.
AttentionShape shape_of(const BenchCell& cell);

bool same_shape(const BenchCell& a, const BenchCell& b);

}  // namespace linformer
