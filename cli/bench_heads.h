// SPDX-License-Identifier: MIT
#pragma once

#include "bench_subject.h"

namespace linformer::cli {

/// Attention alone with q, k and v of a checkpoint's heads on a text; `sweep` gets the heads, their size and
/// whether they are causal. Without weights there are no values, only sizes. Throws Error(kUsage) for a
/// checkpoint or --layers that cannot be, Error(kInput) for a text with too few sequences.
OpenSubject open_heads(const BenchCommand& command, SweepOptions& sweep, WeightsWanted weights,
                       Session& session);

}  // namespace linformer::cli
