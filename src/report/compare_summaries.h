// SPDX-License-Identifier: MIT
// Comparisons of means that carry intervals: what compare_reports() is made of beside times.
#pragma once

#include "accuracy/result.h"
#include "report/compare.h"
#include "spectrum/result.h"

namespace linformer {

/// The verdict where an interval of a ratio holds 1.
inline constexpr const char* kNothingSure = "~";

/// Of each of `count` intervals, so that all together hold at kComparisonConfidence.
double level_of_each(size_t count);

/// Whether a ratio is surely above 1 by more than the share.
bool is_beyond(const Interval& ratio, double share);

/// Every statistic of P, of the model and, where both have the same, of each layer. A regression is one that
/// is surely different.
ReportComparison compare_spectra(const SpectrumResult& a, const SpectrumResult& b, double regression);

/// Of each replacement that both have, the output error of its heads and, with all layers replaced, the error
/// of the last hidden states and the increase of the loss. A regression is one that is surely larger.
ReportComparison compare_accuracies(const AccuracyResult& a, const AccuracyResult& b, double regression);

}  // namespace linformer
