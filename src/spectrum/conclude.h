// SPDX-License-Identifier: MIT
// From records to what is reported (METHODS.md: averages, intervals, quantiles, verdicts).
#pragma once

#include <span>
#include <vector>

#include "spectrum/measure.h"
#include "spectrum/records.h"
#include "spectrum/result.h"

namespace linformer {

/// Series, comparisons, units and sample counts of the finished sequences; `documents[i]`: the document of
/// sequence i; `confidence`: of the intervals. `at`, M,
/// is taken from the result; other members of the result are left as they are.
void conclude(const Records& records, std::span<const int64_t> documents, const CurveGrid& grid,
              double confidence, SpectrumResult& result);

/// Width of the widest interval, at this confidence, of a layer's first cumulative value; infinite
/// where there are too few units.
double widest_interval(const Records& records, std::span<const int64_t> documents, double confidence);

}  // namespace linformer
