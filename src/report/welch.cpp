// SPDX-License-Identifier: MIT
#include "report/welch.h"

#include <algorithm>
#include <cmath>

#include "base/student_t.h"

namespace linformer {

Estimate estimate_of(std::span<const double> values) {
  const auto count = static_cast<double>(values.size());
  Estimate estimate{.mean = 0, .error = 0, .freedom = count - 1};
  for (const double value : values) estimate.mean += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - estimate.mean) * (value - estimate.mean);
  if (count > 1) estimate.error = std::sqrt(squares / (count - 1) / count);
  return estimate;
}

std::optional<Interval> difference_interval(const Estimate& a, const Estimate& b, double level) {
  const double va = a.error * a.error, vb = b.error * b.error;
  const double difference = b.mean - a.mean;
  if (a.freedom < 1 || b.freedom < 1 || !std::isfinite(va + vb + difference)) return std::nullopt;
  if (va + vb == 0) return Interval{difference, difference};
  const double freedom = (va + vb) * (va + vb) / (va * va / a.freedom + vb * vb / b.freedom);
  const double half = student_t_quantile((1 + level) / 2, std::max(freedom, 1.0)) * std::sqrt(va + vb);
  return Interval{difference - half, difference + half};
}

}  // namespace linformer
