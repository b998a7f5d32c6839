// SPDX-License-Identifier: MIT
// What samples say: of a cell, and of all cells together.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/result.h"

namespace linformer {

/// What a peak is of; in the order of reports.
struct PeakKind {
  int threads = 0;
  DType products = DType::kF32;

  auto operator<=>(const PeakKind& other) const {
    return std::pair(threads, products == DType::kBF16) <=>
           std::pair(other.threads, other.products == DType::kBF16);
  }
  bool operator==(const PeakKind&) const = default;
};
/// Of all rounds, GFLOP/s.
using Peaks = std::map<PeakKind, std::vector<double>>;

/// Fills in what follows from a cell's samples and the peak of their rounds.
void summarise_samples(CellResult& cell);

/// Ratios, growth, crossovers, scaling, peaks and what the run warns of.
void conclude(BenchResult& result, Peaks peaks, const std::vector<std::string>& references, uint64_t seed);

}  // namespace linformer
