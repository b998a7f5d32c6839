// SPDX-License-Identifier: MIT
// What people read of a spectrum analysis.
#pragma once

#include "report/heat_map.h"
#include "report/table.h"
#include "spectrum/result.h"

namespace linformer {

/// A row per layer and one for the model: c_M with half its interval, the matched control's c_M, the
/// difference with half its interval and the verdict (these three if there is a matched control), the
/// difference to each other control ("vs init"), the k that
/// reach 90 % of Σσ (median, p95, max over sequences and heads), e_M, effective rank and row entropy. What
/// the result does not have is left out. About 100 columns wide. Throws Error(kInternal) if the result's
/// lists do not fit each other.
Table layer_table(const SpectrumResult& result);

enum class LongRows { kLayers, kLayersAndHeads };

/// Every statistic of every series in long form, for CSV and Markdown: series, layer and head (empty: all of
/// them), statistic, mean, low, high (the interval), median, p95, max, verdict. Differences to a control are
/// the series "probabilities - <control>". Numbers are the shortest that read back the same. Throws as
/// layer_table does.
Table long_table(const SpectrumResult& result, LongRows rows);

/// The mean of c_M, or of another statistic that is a share, per layer and head of the probabilities; empty
/// if there are none. Throws as layer_table does.
HeatMap spectrum_heat_map(const SpectrumResult& result);

}  // namespace linformer
