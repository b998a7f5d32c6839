// SPDX-License-Identifier: MIT
// A Linformer's projection along the sequence: K̄ = E K, V̄ = F V (arXiv 2006.04768, equation 7).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/dnn.h"
#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

/// E or F, for each of g groups of heads: g = 1 or g = the number of heads.
struct SlotWeights {
  int64_t k = 0;  ///< slots
  /// [g · k, n], of which shorter inputs take the first columns; of a convolution [g · d, d · c], for output
  /// element o, input element i and place t in the kernel at [o, i · c + t].
  MatrixView<const float> weight = {};
  const float* bias = nullptr;  ///< [g · k], of a convolution [g · d]; null: none
  bool convolution = false;     ///< with kernel and stride c over k · c positions
};

/// Takes matrices from n positions to k slots. Its products are kept between calls.
class SlotProjection {
 public:
  /// Bytes that run() works in for rows of d elements. Never less for more threads.
  static int64_t workspace_bytes(const SlotWeights& weights, int64_t d, int threads);

  /// out [b, h, k, d] from in [b, h, n, d]: Σ_j E_ij in_j + bias_i for slot i, or the convolution. n is at
  /// most the columns of E, of a convolution at least k · c.
  void run(const SlotWeights& weights, HeadsView<const float> in, HeadsView<float> out,
           std::span<std::byte> workspace, Run& run);

 private:
  std::vector<ProductCache> products_;  ///< of each thread
};

}  // namespace linformer
