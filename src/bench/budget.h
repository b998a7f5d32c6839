// SPDX-License-Identifier: MIT
// How the time for all cells is shared among them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/run.h"
#include "bench/workload.h"

namespace linformer {

/// What so many operations are guessed to take before they are run: half the peak is reached.
double guessed_seconds(double flops, double peak_gflops);

/// What a cell takes in seconds: all of it, and the least that it can be cut down to.
struct Need {
  double seconds = 0, least = 0;
};

/// The longest that a cell may take so that all of them together keep within the budget, none below its
/// least: cells that need less leave the rest to the others.
double fair_share(std::span<const Need> needs, double budget);

/// The cells of one shape.
struct Group {
  std::vector<CellResult*> results;
  std::vector<BenchCell> timed;  ///< reduced
  double seconds = 0;            ///< the group's part of the budget
};

/// Groups of the cells that are still to be run. `budget`: what is left of it, in seconds; `peak_gflops`: of
/// as many threads as `peak_threads`.
std::vector<Group> share_out(std::vector<CellResult>& cells, const Subject& subject, double budget,
                             double peak_gflops, int peak_threads);

/// Those of the cells that can be timed within the budget, cut down to their least where they must be: the
/// quick ones first, until it is used up. Cells that cannot be run at all cost nothing and are among them.
std::vector<BenchCell> affordable(const std::vector<BenchCell>& cells, const Subject& subject, double budget,
                                  double peak_gflops, Run& run);

}  // namespace linformer
