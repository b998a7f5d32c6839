// SPDX-License-Identifier: MIT
// Exact attention of one head with products of bfloat16, of pairs or tiles as the machine has them
// (bf16_products()); sums are f32. The scheme is that of fused_attention.
#pragma once

#include <cstdint>

#include "kernels/attention_part.h"

namespace linformer {

/// One head. Elements of q, k, v and o are bfloat16, by their bits. Rows of q, k and o are strides apart; no
/// alignment is asked for.
struct Bf16Attention {
  const uint16_t* q = nullptr;  ///< [queries, head_size]
  const uint16_t* k = nullptr;  ///< [keys, head_size]
  const void* v = nullptr;      ///< V [keys, value_size] as bf16_values() lays it out
  uint16_t* o = nullptr;        ///< [queries, value_size]
  int64_t q_stride = 0, k_stride = 0, o_stride = 0;
  int64_t queries = 0, keys = 0, head_size = 0, value_size = 0;
  float scale = 1;
  bool causal = false;                   ///< query i sees keys 0 .. past + i
  int64_t past = 0;                      ///< as FusedAttention::past
  const float* key_bias = nullptr;       ///< as FusedAttention::key_bias
  const float* distance_bias = nullptr;  ///< as FusedAttention::distance_bias, with kBf16AttentionRows
  AttentionPart part = {};               ///< written in place of o where it has places
};

/// Queries that are worked on together, as fused_attention_rows().
inline constexpr int64_t kBf16AttentionRows = 48;
/// Rows that share what is read of K and V: what a call should have, at least.
inline constexpr int64_t kBf16AttentionGroup = 192;

/// Floats of workspace, aligned to 64 bytes, that a call takes.
int64_t bf16_attention_workspace(int64_t head_size, int64_t value_size);

/// V [keys, value_size], rows `stride` apart, as it meets the weights; the same for every block of queries.
/// The floats that this takes, aligned to 64 bytes; after those of a multiple of 256 keys are those of the
/// keys after them.
void bf16_values(const uint16_t* v, int64_t stride, int64_t keys, int64_t value_size, float* out);
int64_t bf16_values_floats(int64_t keys, int64_t value_size);

/// Rows [first, first + rows) of O = softmax(scale Q Kᵀ + biases) V, rounded once more than sums and weights:
/// weights are bf16, and so is their sum's every term. Elements below 2^-126 count as zeros. Rows without
/// keys and scores that are not finite are as in fused_attention(). Only where has_bf16_products().
void bf16_attention(const Bf16Attention& call, int64_t first, int64_t rows, float* workspace);

}  // namespace linformer
