// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "base/run.h"
#include "bench/budget.h"
#include "bench/sampling.h"
#include "bench/workload.h"

namespace linformer {

/// Checks the cells of one shape, then samples those that passed in turn, with as many threads as they say,
/// for as long as the group has. Every result gets its state: one that fails does not stop the others. A stop
/// request ends it. `flush`: run before each sample; or null. Returns the peaks of its rounds, GFLOP/s.
RoundPeaks run_shape(const Group& group, const Subject& subject, uint64_t seed, CacheFlush* flush,
                     const Run& run);

}  // namespace linformer
