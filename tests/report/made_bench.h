// SPDX-License-Identifier: MIT
#pragma once

#include "bench/result.h"

namespace linformer {

/// A bench of a model, by hand: of a mechanism that was measured, a wrong one, one that was interrupted and
/// one that was too large.
BenchResult made_bench();

/// What fits, by hand: one that does, one that is too large, one that cannot be.
BatchFitResult made_batch_fit();

}  // namespace linformer
