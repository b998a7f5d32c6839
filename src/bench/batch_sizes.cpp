// SPDX-License-Identifier: MIT
#include "bench/batch_sizes.h"

#include <algorithm>

#include "base/error.h"
#include "bench/prediction.h"

namespace linformer {

const CellPrediction& BatchSizes::of(int64_t batch) {
  if (const auto known = known_.find(batch); known != known_.end()) return known->second;
  cell_.batch = batch;
  return known_.emplace(batch, predict(cell_, subject_, run_)).first->second;
}

int64_t BatchSizes::largest(int64_t limit) {
  const int64_t one = of(1).bytes();
  if (one > limit) return 0;
  // Each sequence takes as much as the last, but for the rounding of buffers and what threads share: the
  // second tells where to look.
  const int64_t each = std::max<int64_t>(1, of(2).bytes() - one), guess = 1 + (limit - one) / each;
  int64_t most = 1, beyond = guess, step = 1;
  if (fits(guess, limit)) {
    for (most = guess; fits(most + step, limit); step *= 2) most += step;
    beyond = most + step;
  } else {
    for (; beyond - step > 1 && !fits(beyond - step, limit); step *= 2) beyond -= step;
    most = std::max<int64_t>(1, beyond - step);
  }
  while (beyond - most > 1) {
    const int64_t middle = most + (beyond - most) / 2;
    (fits(middle, limit) ? most : beyond) = middle;
  }
  return most;
}

std::vector<CellNeed> needs_of(const std::vector<BenchCell>& cells, const Subject& subject,
                               int64_t memory_bytes, const Run& run) {
  std::vector<CellNeed> needs;
  for (BenchCell cell : cells) {
    cell.batch = 1;
    CellNeed& need = needs.emplace_back(CellNeed{.cell = cell});
    try {
      BatchSizes sizes(cell, subject, run);
      need.flops = sizes.of(1).flops;
      need.largest_batch = sizes.largest(memory_bytes);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUsage && error.code() != ErrorCode::kUnsupported) throw;
    }
  }
  return needs;
}

}  // namespace linformer
