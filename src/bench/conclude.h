// SPDX-License-Identifier: MIT
// What samples say: of a cell, and of all cells together.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/result.h"

namespace linformer {

/// The peaks of all rounds, GFLOP/s, by the number of threads.
using PeaksByThreads = std::map<int, std::vector<double>>;

/// Fills in what follows from a cell's samples and the peak of their rounds.
void summarise_samples(CellResult& cell);

/// Ratios, growth, crossovers, scaling, peaks and what the run warns of.
void conclude(BenchResult& result, PeaksByThreads peaks, const std::vector<std::string>& references,
              uint64_t seed);

}  // namespace linformer
