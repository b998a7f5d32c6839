// SPDX-License-Identifier: MIT
#include "model/distance_bias.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace linformer {

int64_t distance_bucket(int64_t distance, const DistanceBuckets& buckets, bool causal) {
  const int64_t side = causal ? buckets.count : buckets.count / 2, exact = side / 2;
  const int64_t first = !causal && distance > 0 ? side : 0;
  const int64_t away = causal ? std::max<int64_t>(-distance, 0) : std::abs(distance);
  if (away < exact) return first + away;
  const auto ratio = [&](int64_t x) { return static_cast<double>(x) / static_cast<double>(exact); };
  const float share =
      std::log(static_cast<float>(ratio(away))) / static_cast<float>(std::log(ratio(buckets.far)));
  const auto beyond = static_cast<int64_t>(share * static_cast<float>(side - exact));
  return first + std::min(exact + beyond, side - 1);
}

void fill_distance_bias(MatrixView<const float> table, const DistanceBuckets& buckets, bool causal, int64_t n,
                        float* out) {
  const int64_t distances = 2 * n - 1;
  for (int64_t i = 0; i < distances; ++i) {
    const float* const biases = table.row(distance_bucket(i - (n - 1), buckets, causal));
    for (int64_t head = 0; head < table.cols; ++head) out[head * distances + i] = biases[head];
  }
}

}  // namespace linformer
