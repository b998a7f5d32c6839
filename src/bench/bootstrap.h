// SPDX-License-Identifier: MIT
// Intervals of what is made of samples, by drawing them again.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/random.h"
#include "bench/result.h"

namespace linformer {

/// Percentiles, at kBenchConfidence, of what `once` makes of 1000 draws.
Interval bootstrap(uint64_t seed, const std::function<double(Random&)>& once);

/// The median of as many of these values as there are, drawn with replacement.
double drawn_median(std::span<const double> values, Random& random);

/// median(reference) / median(ours), its interval from 1000 bootstrap draws of rounds: both were sampled in
/// each round, so what slows a round slows both. Uses the rounds that both have.
Ratio paired_ratio(std::span<const double> ours, std::span<const double> reference, uint64_t seed);

/// t of a over t of b, whose rounds are not the same: both are drawn on their own.
Ratio apart_ratio(const CellResult& a, const CellResult& b, uint64_t seed);

}  // namespace linformer
