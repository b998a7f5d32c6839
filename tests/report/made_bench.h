// SPDX-License-Identifier: MIT
#pragma once

#include "bench/result.h"

namespace linformer {

/// A bench of a model, by hand: of a mechanism that was measured, a wrong one, one that was interrupted and
/// one that was too large.
BenchResult made_bench();

}  // namespace linformer
