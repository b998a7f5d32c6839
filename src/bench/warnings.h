// SPDX-License-Identifier: MIT
// What a reader of a bench is told of how far its numbers can be trusted.
#pragma once

#include <vector>

#include "bench/result.h"

namespace linformer {

/// What can be said before anything is run: more threads than `cores` (0: not known), and batches that are
/// not the tokens that were asked for.
std::vector<Warning> warnings_of_plan(const std::vector<BenchCell>& cells, int cores);

/// What the run showed: drift of the clock, wide intervals, memory that was not announced; and a debug build.
std::vector<Warning> warnings_of_run(const BenchResult& result);

}  // namespace linformer
