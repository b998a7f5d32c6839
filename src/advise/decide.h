// SPDX-License-Identifier: MIT
// From what replacements cost and what they save to what to do.
#pragma once

#include "accuracy/result.h"
#include "advise/choose.h"
#include "advise/result.h"
#include "bench/result.h"
#include "spectrum/result.h"

namespace linformer {

/// Less than this is not worth a change.
inline constexpr double kLeastSpeedUp = 1.1;

/// What was measured.
struct AdviceFacts {
  const AccuracyResult& accuracy;  ///< with whole-model measures
  const SpectrumResult& spectrum;  ///< whose first statistic is c at n/4
  const BenchResult& model;        ///< the model at the length, by flash and by what the cells are timed as
  const BenchResult& attention;    ///< attention alone over lengths, by flash and one linformer
  const LayerChoice& choice;
};
/// Layers that the spectrum does not have get no cumulative value.
AdviceResult advise(const AdviceFacts& facts, const AdviceGoal& goal);

}  // namespace linformer
