// SPDX-License-Identifier: MIT
// What cells will take, before they are run.
#pragma once

#include "base/run.h"
#include "bench/result.h"
#include "bench/workload.h"

namespace linformer {

/// What the subject predicts with the cell's own number of threads. Throws Error(kUsage) for a cell that
/// cannot be, also for a Linformer with as many slots as there are keys or more: it would save nothing.
CellPrediction predict(const BenchCell& cell, const Subject& subject, const Run& run);

/// The cell before it is run: its sizes, or why it cannot be, the memory of `run` included.
CellResult predicted(const BenchCell& cell, const Subject& subject, const Run& run);

}  // namespace linformer
