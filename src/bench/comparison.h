// SPDX-License-Identifier: MIT
// Ratios, growth and crossovers of cells that were measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/result.h"

namespace linformer {

/// Ratios of every measured cell to those of `references` of the same shape and type.
void add_ratios(std::vector<CellResult>& cells, const std::vector<std::string>& references, uint64_t seed);

/// Slopes of each mechanism between neighbouring lengths and over all of them, all else equal.
std::vector<Growth> growth_of(const std::vector<CellResult>& cells, uint64_t seed);

/// Where the medians of each mechanism and each reference cross, by straight lines between neighbouring
/// lengths on logarithmic axes.
std::vector<Crossover> crossovers_of(const std::vector<CellResult>& cells,
                                     const std::vector<std::string>& references);

/// How much faster each mechanism is with more threads, all else equal.
std::vector<Scaling> scaling_of(const std::vector<CellResult>& cells, uint64_t seed);

/// How much faster each mechanism is in bf16 than in f32, all else equal; intervals by rounds, which both
/// share.
std::vector<Narrowing> narrowing_of(const std::vector<CellResult>& cells, uint64_t seed);

}  // namespace linformer
