// SPDX-License-Identifier: MIT
// The finished sequences of some records as a sample of texts.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "spectrum/records.h"
#include "spectrum/summary.h"

namespace linformer {

/// A value of one sequence, layer and head.
using SequenceValue = std::function<double(int64_t sequence, int64_t layer, int64_t head)>;

/// Indices [first, first + count).
struct IndexRange {
  int64_t first = 0, count = 1;
};

class Sample {
 public:
  /// `documents[i]`: the document of sequence i; `confidence`: of all intervals.
  Sample(const Records& records, std::span<const int64_t> documents, double confidence);

  const Units& units() const { return units_; }
  const std::vector<int64_t>& sequences() const { return sequences_; }

  /// Quantiles over every value; mean and interval over units, layers and heads being averaged within a
  /// sequence.
  Summary summary(const SequenceValue& value, IndexRange layers, IndexRange heads) const;
  /// The same of one value a sequence.
  Summary summary(const std::vector<double>& of_sequences) const {
    return over_units(of_sequences, of_sequences);
  }

 private:
  // Quantiles of `all`, mean and interval of one value a sequence.
  Summary over_units(const std::vector<double>& all, const std::vector<double>& of_sequences) const;

  double confidence_;
  std::vector<int64_t> sequences_;
  Units units_;
};

}  // namespace linformer
