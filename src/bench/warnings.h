// SPDX-License-Identifier: MIT
// What a reader of a bench is told of how far its numbers can be trusted.
#pragma once

#include <vector>

#include "base/machine.h"
#include "bench/result.h"

namespace linformer {

/// What can be said before anything is run: more threads than `cores` (0: not known), and batches that are
/// not the tokens that were asked for.
std::vector<Warning> warnings_of_plan(const std::vector<BenchCell>& cells, int cores);

/// What can be said of the machine as it was when the run began: other load, and threads that may move from
/// CPU to CPU because there are more of these (`bound`: they may not).
std::vector<Warning> warnings_of_machine(const std::vector<BenchCell>& cells, const MachineFacts& machine,
                                         bool bound);

/// What the run showed: drift of the clock, wide intervals, memory that was not announced; and a debug build.
std::vector<Warning> warnings_of_run(const BenchResult& result);

}  // namespace linformer
