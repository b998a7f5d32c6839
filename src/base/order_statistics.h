// SPDX-License-Identifier: MIT
// Quantiles, and what can be said of a median without knowing the distribution.
#pragma once

#include <optional>
#include <span>

namespace linformer {

/// A two-sided confidence interval.
struct Interval {
  double low = 0;
  double high = 0;
};

/// The quantile at q in [0, 1] of ascending values: linear between order statistics, position q (count − 1)
/// (type 7 of Hyndman and Fan 1996, the default of R and NumPy). NaN for no values.
double quantile(std::span<const double> ascending, double q);

/// The median's interval between two order statistics, symmetric by count, whose coverage is at least
/// `level` whatever the distribution: x_(r) and x_(count + 1 − r) for the largest r with
/// P(Binomial(count, ½) < r) <= (1 − level) / 2. Nothing where not even r = 1 has it (below 6 values at
/// 95 %).
std::optional<Interval> median_interval(std::span<const double> ascending, double level);

}  // namespace linformer
