// SPDX-License-Identifier: MIT
// Every head's P on one sequence, small enough to look at.
#pragma once

#include <cstdint>
#include <span>

#include "base/tensor.h"
#include "model/source.h"
#include "spectrum/result.h"

namespace linformer {

/// Rows and columns of a map at most.
inline constexpr int64_t kMostBlocks = 64;

/// The means of blocks of P. Of `blocks` blocks of `size` rows or columns, block i begins at ⌊i·size/blocks⌋.
/// P must have at least as many rows and columns as blocks. Sums are in f64, in a fixed order.
AttentionMap block_means(MatrixView<const float> p, int64_t block_rows, int64_t block_columns);

/// Throws Error(kUsage) naming `option` for a sequence that is not there.
void check_sequence(const SourceFacts& facts, int64_t sequence, const char* option);

/// One pass of the sequence through the source, apart from any analysis: it is the same for every batch,
/// thread count and resumption. P is as it is analysed, special tokens cut out where the source has them
/// dropped. `layers`, `heads`: which, ascending.
AttentionMaps attention_maps(AttentionSource& source, int64_t sequence, std::span<const int64_t> layers,
                             std::span<const int64_t> heads, Run& run);

}  // namespace linformer
