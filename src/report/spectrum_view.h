// SPDX-License-Identifier: MIT
// Finding one's way in a SpectrumResult by name.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "spectrum/result.h"

namespace linformer {

/// The members of `mean_curve_k`, in the order of StatisticsOf::mean_curve_k.
inline constexpr std::array kMeanCurveNames = {"k90_sigma",  "k95_sigma",  "k99_sigma",
                                               "k90_energy", "k95_energy", "k99_energy"};

/// The series or comparison of that name, or null. The pointers are into `result`.
const SeriesResult* find_series(const SpectrumResult& result, std::string_view name);
const Comparison* find_comparison(const SpectrumResult& result, std::string_view control);

/// Index of the first statistic whose name begins so, e.g. "cumulative_at"; nothing if there is none.
std::optional<size_t> find_statistic(const SpectrumResult& result, std::string_view prefix);

/// "lower-rank", "same-rank", "higher-rank" or "too-few-units".
std::string_view verdict_name(Verdict verdict);

/// Why an interval is null: how many units there are and how many it takes.
std::string interval_reason(const SpectrumResult& result);

/// Throws Error(kInternal) naming the series and list whose size does not fit the result's layers, heads,
/// statistics or grids. Lists may be empty where something was not computed.
void check_shape(const SpectrumResult& result);

}  // namespace linformer
