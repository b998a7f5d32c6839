// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <span>

#include "base/order_statistics.h"

namespace linformer {

/// A mean, its standard error and the degrees of freedom that this is known with.
struct Estimate {
  double mean = 0;
  double error = 0;
  double freedom = 0;
};

/// Of a sample of two values or more.
Estimate estimate_of(std::span<const double> values);

/// The interval of b − a at this level by Welch's t (Welch 1947); nothing if both errors are unknown, that
/// is, without a degree of freedom.
std::optional<Interval> difference_interval(const Estimate& a, const Estimate& b, double level);

}  // namespace linformer
