// SPDX-License-Identifier: MIT
// Counter-based random numbers: the n-th draw depends on (key, stream, n) alone, never on threads or order.
// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace linformer {

/// What a stream of draws belongs to; streams of different values are independent.
struct RandomStream {
  uint64_t seed = 0;
  uint32_t purpose = 0;  ///< which use within the program
  uint64_t index = 0;    ///< which matrix, sequence, tensor ...
};

/// Ten rounds of Philox4x32.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// A sequential reader of one stream. Not thread-safe; cheap to make.
class Random {
 public:
  explicit Random(const RandomStream& stream);

  uint32_t bits();
  /// Uniform in [0, bound), unbiased (rejection, Lemire 2019). bound >= 1.
  uint32_t below(uint32_t bound);
  /// Uniform in (0, 1], 24 bits.
  float uniform();
  /// Standard normal (Box-Muller).
  float normal();

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
  float spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace linformer
