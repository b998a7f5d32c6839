// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string_view>

#include "spectrum/result.h"

namespace linformer {

/// The curves of a result as tidy CSV, given to `write` a curve at a time. Columns: layer, head (empty for
/// the layer's own), series, statistic (cumulative, energy, cumulative_p5, cumulative_p50, cumulative_p95), m
/// (m_over_n where sequences differ in length), value. Numbers are the shortest that read back the same; a
/// value that is not finite is an empty cell. Throws Error(kInternal) if the result's lists do not fit each
/// other, and what `write` throws.
void write_curves_csv(const SpectrumResult& result, const std::function<void(std::string_view)>& write);

}  // namespace linformer
