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

/// Fills in what follows from a cell's samples. `peak`: of the rounds that it was sampled in, GFLOP/s.
void summarise_samples(CellResult& cell, double peak);

/// Ratios, growth, crossovers, scaling, peaks and warnings.
void conclude(BenchResult& result, PeaksByThreads peaks, const std::vector<std::string>& references,
              uint64_t seed);

}  // namespace linformer
