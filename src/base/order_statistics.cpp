// SPDX-License-Identifier: MIT
#include "base/order_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace linformer {

double quantile(std::span<const double> ascending, double q) {
  if (ascending.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, ascending.size() - 1);
  const double part = position - static_cast<double>(below);
  return ascending[below] + part * (ascending[above] - ascending[below]);
}

std::optional<Interval> median_interval(std::span<const double> ascending, double level) {
  const auto count = static_cast<double>(ascending.size());
  const double tail = (1 - level) / 2;
  double below = 0;  // P(Binomial(count, ½) < r)
  size_t r = 0;
  while (r < ascending.size()) {
    const auto i = static_cast<double>(r);
    const double log_choose = std::lgamma(count + 1) - std::lgamma(i + 1) - std::lgamma(count - i + 1);
    below += std::exp(log_choose - count * std::log(2.0));
    if (below > tail) break;
    ++r;
  }
  if (r == 0) return std::nullopt;
  return Interval{ascending[r - 1], ascending[ascending.size() - r]};
}

}  // namespace linformer
