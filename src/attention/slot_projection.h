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

/// How k slots are made of n positions: by E or F, for each of g groups of heads (g = 1 or g = the number of
/// heads), or without parameters.
struct SlotWeights {
  enum class Kind {
    kMatrix,
    kConvolution,  ///< with kernel and stride c over k · c positions
    kMeanPooling,  ///< of k windows of n / k positions, or as near to it as whole numbers are
    kMaxPooling
  };

  Kind kind = Kind::kMatrix;
  int64_t k = 0;  ///< slots
  int64_t n = 0;  ///< of pooling: positions that the windows divide, at least k
  /// [g · k, n], of which shorter inputs take the first columns; of a convolution [g · d, d · c], for output
  /// element o, input element i and place t in the kernel at [o, i · c + t].
  MatrixView<const float> weight = {};
  const float* bias = nullptr;  ///< [g · k], of a convolution [g · d]; null: none
  float factor = 1;             ///< of the weight: E and F are this times it
};

/// The positions [begin, end) that a slot is made of.
struct Window {
  int64_t begin = 0, end = 0;
};
/// Of slot i, for rows of d elements; the windows are in order of the slots.
Window window_of(const SlotWeights& weights, int64_t d, int64_t i);

/// Slots of a head that are a thread's task: with few heads 64 of them at most, each task a product of its
/// own, so that more threads are busy. The number of heads alone decides, so that results do not depend on
/// threads.
int64_t task_slots(const SlotWeights& weights, int64_t heads);

/// M [b, k] of attention over the slots: −inf for those all of whose positions are masked or not below n, the
/// number that there are; else 0. `key_mask` [b, n] as AttentionInput has it; no data: none.
void mask_slots(const SlotWeights& weights, int64_t d, int64_t n, MatrixView<const float> key_mask,
                MatrixView<float> out);

/// Takes matrices from n positions to k slots. Its convolutions are kept between calls.
class SlotProjection {
 public:
  /// Bytes that run() works in for rows of d elements. Never less for more threads.
  static int64_t workspace_bytes(const SlotWeights& weights, int64_t d, int threads);

  /// out [b, h, k, d] from in [b, h_kv, n, d] (h_kv divides h): Σ_j E_ij in_j + bias_i for slot i, the
  /// convolution, or the mean or maximum of each window. Positions that `key_mask` [b, n] masks do not count,
  /// whatever is there; nor do those from n on that the weights have. Slots without any become zeros (or the
  /// bias). n is at most the columns of E; what is beyond the k · c of a convolution is left out.
  void run(const SlotWeights& weights, HeadsView<const float> in, MatrixView<const float> key_mask,
           HeadsView<float> out, std::span<std::byte> workspace, Run& run);

 private:
  std::vector<ProductCache> products_;  ///< of each thread
};

}  // namespace linformer
