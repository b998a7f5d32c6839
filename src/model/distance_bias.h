// SPDX-License-Identifier: MIT
// Biases of the logits by the distance of key and query (Raffel et al. 2019, section 2.1).
#pragma once

#include <cstdint>

#include "base/tensor.h"
#include "model/architecture.h"

namespace linformer {

/// The bucket, from 0 to count − 1, of a key that stands `distance` behind the query. Causal: all buckets are
/// for keys at or before the query; otherwise the second half is for those after it. Of the r buckets of a
/// side, the first r/2 hold one distance each, the others ranges that grow logarithmically up to `far`. In
/// f32, as the reference implementation computes it.
int64_t distance_bucket(int64_t distance, const DistanceBuckets& buckets, bool causal);

/// out [heads, 2n − 1], as AttentionInput::distance_bias wants it for n queries and keys; `table` [buckets,
/// heads].
void fill_distance_bias(MatrixView<const float> table, const DistanceBuckets& buckets, bool causal, int64_t n,
                        float* out);

}  // namespace linformer
