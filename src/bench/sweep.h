// SPDX-License-Identifier: MIT
// Which cells a bench has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attention/linformer_options.h"
#include "attention/mechanism.h"
#include "bench/result.h"

namespace linformer {

struct SweepOptions {
  std::vector<std::string> mechanisms;  ///< specifications
  std::vector<int64_t> lengths, heads, head_sizes, batches;
  int64_t tokens = 0;  ///< if not 0: the batch of each length is tokens / length, at least 1
  bool causal = false;
  int64_t layers = 0;  ///< of what is timed; 0: attention alone
  std::vector<int> threads = {1};
  std::vector<DType> dtypes = {DType::kF32};
  std::vector<int64_t> queries = {0};  ///< BenchCell::queries
};

/// The canonical specifications of "a;b;c"; one without its rank_option() becomes one for each of `ks`.
/// Throws Error(kUsage) naming `option` for an empty one, an unknown one and one that is there twice.
std::vector<std::string> expand_mechanisms(std::string_view list, const std::vector<int64_t>& ks,
                                           const std::string& option);

/// The cross product, cells of one shape next to each other, in all types, shapes from short to long, then
/// from few threads to many; no cell twice.
/// Throws Error(kUsage) for an unknown mechanism and for sizes whose product cannot be counted.
std::vector<BenchCell> sweep(const SweepOptions& options);

/// s = 1/√d. Queries are those of the last positions.
AttentionShape shape_of(const BenchCell& cell);

/// The options of a cell's Linformer; none for another mechanism.
std::optional<LinformerOptions> linformer_of(const BenchCell& cell);

/// Equal in all but the mechanism and the type.
bool same_shape(const BenchCell& a, const BenchCell& b);

}  // namespace linformer
