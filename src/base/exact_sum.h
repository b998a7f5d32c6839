// SPDX-License-Identifier: MIT
// Sums that do not depend on order or grouping, so that threads, resumed runs and merged shards agree to the
// bit.
#pragma once

#include <cmath>
#include <cstdint>

namespace linformer {

/// Sum of values of magnitude below 2^32 in fixed point with a resolution of 2^-60, in 128 bits: exact for up
/// to 2^34 terms once each is rounded to the resolution.
class ExactSum {
 public:
  void add(double value) { sum_ += static_cast<Wide>(std::ldexp(value, kFraction)); }
  void add(const ExactSum& other) { sum_ += other.sum_; }
  double value() const { return std::ldexp(static_cast<double>(sum_), -kFraction); }

  friend bool operator==(const ExactSum&, const ExactSum&) = default;

 private:
  __extension__ using Wide = __int128;
  static constexpr int kFraction = 60;
  Wide sum_ = 0;
};

}  // namespace linformer
