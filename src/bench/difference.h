// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

namespace linformer {

/// The largest difference over the largest |truth|, of values that are compared together.
class Difference {
 public:
  void add(double ours, double truth) {
    most_ = std::max(most_, std::abs(truth));
    const double difference = std::abs(ours - truth);
    if (std::isnan(difference) || difference > difference_) difference_ = difference;  // NaN stays
  }
  double relative() const { return most_ == 0 ? difference_ : difference_ / most_; }

 private:
  double most_ = 0, difference_ = 0;
};

/// What f32 arithmetic in the order of a fast kernel makes at most, relative to the largest value: of its
/// sums, and of scores of that size, whose rounding the weights of attention show.
inline double difference_bound(double largest_score) { return 1e-5 * std::max(1.0, largest_score / 100); }

/// The same of bf16 input, whose weights and output are rounded. `largest_score`: of scores with keys that
/// are rounded on the way, which moves each by some 512th of itself and its weight with it; 0: of keys as
/// given.
inline double bf16_difference_bound(double largest_score) { return 1e-2 * std::max(1.0, largest_score / 4); }

}  // namespace linformer
