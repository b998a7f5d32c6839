// SPDX-License-Identifier: MIT
// From values of single sequences to what is reported of many: means, quantiles, intervals over sampling
// units.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/order_statistics.h"
#include "spectrum/result.h"

namespace linformer {

/// Mean, median, p95 and max of values in any order, no interval; all NaN for none.
Summary summarise(std::span<const double> values);

/// Blocks of sequences that stand in for documents, at most.
inline constexpr int64_t kMostBlocks = 20;

/// mean ± t s/√u over the u units, t = student_t_quantile((1 + level)/2, u − 1), s their standard deviation
/// (divisor u − 1). Nothing if u < kLeastUnits.
std::optional<Interval> mean_interval(std::span<const double> unit_means, double level);

/// The sampling units (METHODS.md).
struct Units {
  std::vector<int64_t> unit;  ///< of each sequence, in [0, count)
  int64_t count = 0;
  bool documents = false;  ///< units are documents; else contiguous blocks of the sequences
};

/// At least kLeastUnits distinct documents: they are the units, numbered by first appearance. Fewer:
/// contiguous blocks, min(kMostBlocks, sequences) of them, whose sizes differ by at most 1.
Units assign_units(std::span<const int64_t> document_of_sequence);

/// The mean of the values of each unit's sequences; [units.count]. values has one value a sequence.
std::vector<double> unit_means(std::span<const double> values, const Units& units);

}  // namespace linformer
