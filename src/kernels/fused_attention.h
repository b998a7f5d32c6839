// SPDX-License-Identifier: MIT
// Exact attention of one head in one pass over the keys, without a matrix of scores. Vector code, chosen at
// run time for the machine.
#pragma once

#include <cstdint>

#include "kernels/attention_part.h"

namespace linformer {

/// One head. Rows of q, k, v and o are strides apart; no alignment is asked for.
struct FusedAttention {
  const float* q = nullptr;  ///< [queries, head_size]
  const float* k = nullptr;  ///< [keys, head_size]
  const float* v = nullptr;  ///< [keys, value_size]
  float* o = nullptr;        ///< [queries, value_size]
  int64_t q_stride = 0, k_stride = 0, v_stride = 0, o_stride = 0;
  int64_t queries = 0, keys = 0, head_size = 0, value_size = 0;
  float scale = 1;
  bool causal = false;              ///< query i sees keys 0 .. past + i
  int64_t past = 0;                 ///< keys before query 0's own; below 0: its own is not among the keys
  const float* key_bias = nullptr;  ///< [keys], added to every query's scores; may be −inf; null: none
  /// Query i and key j take element i − j + keys − 1; null: none. Readable, whatever is there, to element
  /// queries + keys − 1 + fused_attention_rows().
  const float* distance_bias = nullptr;
  /// Sums and shifts are written where they have places; part.o, where it has one, in place of o.
  AttentionPart part = {};
};

/// Rows that share what is read of K and V: what a call should have, at least. A multiple of
/// fused_attention_rows().
inline constexpr int64_t kFusedAttentionGroup = 192;

/// Queries that are worked on together. Calls whose number of rows is a multiple of it, and a last one of at
/// least as many, give the same bits wherever they are cut.
int64_t fused_attention_rows();

/// Floats of workspace, aligned to 64 bytes, that a call takes.
int64_t fused_attention_workspace(int64_t head_size, int64_t value_size);

/// Rows [first, first + rows) of O = softmax(scale Q Kᵀ + biases) V. Products are f32 sums of at most 16
/// terms in the scores and of 128 in O; weights are 2^x within 3e-7 relative, and 0 below 2^-100 of the
/// largest so far (of 2^24 times it at most). A row that sees no key, or only keys at −inf, becomes zeros;
/// NaN, +inf or more than 2e38 in a row's scores makes the row NaN.
void fused_attention(const FusedAttention& call, int64_t first, int64_t rows, float* workspace);

}  // namespace linformer
