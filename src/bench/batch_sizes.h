// SPDX-License-Identifier: MIT
// What batches of a cell take, by exact accounting without running them.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/run.h"
#include "bench/result.h"
#include "bench/workload.h"

namespace linformer {

/// Predictions of one cell by its batch, each made once. Its methods throw what predict() throws.
class BatchSizes {
 public:
  BatchSizes(const BenchCell& cell, const Subject& subject, const Run& run)
      : cell_(cell), subject_(subject), run_(run) {}

  const CellPrediction& of(int64_t batch);

  /// The most sequences within `limit` bytes; 0 where one is too much.
  int64_t largest(int64_t limit);

 private:
  bool fits(int64_t batch, int64_t limit) { return of(batch).bytes() <= limit; }

  BenchCell cell_;
  const Subject& subject_;
  const Run& run_;
  std::map<int64_t, CellPrediction> known_;
};

/// Of each cell with one sequence: its operations, 0 if it cannot be, and the largest batch within
/// `memory_bytes`, whatever the memory of `run`.
std::vector<CellNeed> needs_of(const std::vector<BenchCell>& cells, const Subject& subject,
                               int64_t memory_bytes, const Run& run);

}  // namespace linformer
