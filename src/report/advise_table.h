// SPDX-License-Identifier: MIT
// What people read of advice.
#pragma once

#include <string>

#include "advise/result.h"
#include "report/table.h"

namespace linformer {

/// A row a layer: c at n/4, the smallest k that is good enough, by what, and what it costs alone.
Table advised_layers_table(const AdviceResult& result);

/// A row a way to run the whole model: what it costs, how fast it is, its memory, and whether nothing is both
/// faster and nearer.
Table advised_points_table(const AdviceResult& result);

/// The same in full, for CSV: shares, nanoseconds and bytes, with the ends of the intervals.
Table advised_long_table(const AdviceResult& result);

/// From which length on it is faster, the verdict, and what it does not mean: a line each.
std::string advice_text(const AdviceResult& result);

}  // namespace linformer
