// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "model/source.h"
#include "theorems/trials.h"

namespace linformer {

/// The first head of the first, the middle and the last layer on the source's first sequence. Throws
/// Error(kUsage) for a source whose heads are causal, that gives no values, or whose P is not square.
std::vector<HeadSample> sample_heads(AttentionSource& source);

}  // namespace linformer
