// SPDX-License-Identifier: MIT
// Products of one head's attention probabilities, or of their transpose, with a few vectors, without the
// matrix: entries are computed again wherever they are needed. Vector code, chosen at run time for the
// machine.
#pragma once

#include <cstdint>

namespace linformer {

/// P [queries, keys] of one head, P_ij = f_i 2^(q_i · k_j + b_ij + s_i), 0 where causal and j > i: what
/// fused_attention() weighs V with, if q is Q times its scale and log₂ e, b its biases times log₂ e, s its
/// shifts and f one over its sums. Scores are summed as there, so that a row sums to 1 however large they
/// are. Every call below computes the very same f32 entries. Rows are strides apart; no alignment is asked
/// for.
struct ImplicitProbabilities {
  const float* q = nullptr;        ///< [queries, head_size], times its scale and log₂ e
  const float* k = nullptr;        ///< [keys, head_size]
  const float* shifts = nullptr;   ///< [queries], finite
  const float* factors = nullptr;  ///< [queries], finite
  int64_t q_stride = 0, k_stride = 0;
  int64_t queries = 0, keys = 0, head_size = 0;
  bool causal = false;  ///< query i sees keys 0 .. i
  /// b_ij is element i − j + keys − 1 of the one and j − i + queries − 1 of the other; null: no bias. Both
  /// readable, whatever is there, to element queries + keys − 1 + fused_attention_rows().
  const float* bias_by_query = nullptr;
  const float* bias_by_key = nullptr;
};

/// Sums over the rows of each column of P, exact but for f64 additions; all [keys].
struct ColumnSums {
  double* entries = nullptr;    ///< Σ_i P_ij
  double* squares = nullptr;    ///< Σ_i P_ij²
  double* entropies = nullptr;  ///< −Σ_i P_ij log₂(P_ij / f_i)
};

/// In and out [·, width] of a product; they must not overlap.
struct ProductVectors {
  const float* in = nullptr;
  float* out = nullptr;
  int64_t in_stride = 0, out_stride = 0;
  int64_t width = 0;
};

/// Floats of workspace, aligned to 64 bytes, that a call takes.
int64_t probability_products_workspace(int64_t head_size, int64_t width);

/// Rows [first, first + rows) of out = P in: in [keys, width], out [queries, width]. An element is a chain of
/// f32 sums, the same whatever the width: see probability_chain(). Rows beyond those are not touched. Calls
/// whose number of rows is a multiple of kFusedAttentionGroup give the same bits wherever they are cut.
void multiply_probabilities(const ImplicitProbabilities& p, const ProductVectors& x, int64_t first,
                            int64_t rows, float* workspace);

/// Rows [first, first + rows) of out = Pᵀ in: in [queries, width], out [keys, width]; and elements
/// [first, first + rows) of the sums, where they are not null.
void multiply_transposed_probabilities(const ImplicitProbabilities& p, const ProductVectors& x,
                                       const ColumnSums* sums, int64_t first, int64_t rows, float* workspace);

/// The most roundings that any term of an element's sum over `terms` passes through.
int64_t probability_chain(int64_t terms);

}  // namespace linformer
