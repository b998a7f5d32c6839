// SPDX-License-Identifier: MIT
// One head's P as what it does to vectors, without the matrix.
#pragma once

#include "base/run.h"
#include "base/tensor.h"
#include "kernels/probability_products.h"

namespace linformer {

/// Sums over all of P, in f64.
struct AttentionMoments {
  double squared_norm = 0;      ///< ‖P‖_F²
  double largest_column = 0;    ///< max_j Σ_i P_ij
  double squared_columns = 0;   ///< Σ_j (Σ_i P_ij)²
  double mean_row_entropy = 0;  ///< nats
};

/// P = softmax(scale Q Kᵀ + B), masked where causal, as an operator on run.threads threads. Its entries are
/// f32 and the same in every product. Memory is O(n (d + width)). Q, K and B must outlive it.
class AttentionOperator {
 public:
  struct Head {
    MatrixView<const float> q;  ///< [queries, d]
    MatrixView<const float> k;  ///< [keys, d]
    float scale = 1;
    bool causal = false;
    /// [queries + keys − 1] or null: element j − i + queries − 1 is added to the score of query i and key j.
    const float* distance_bias = nullptr;
  };

  AttentionOperator(const Head& head, Run& run);

  /// Bytes of its buffers with products of at most `width` vectors.
  static int64_t buffer_bytes(int64_t rows, int64_t cols, int64_t head_size, int64_t width, int threads);

  int64_t rows() const { return p_.queries; }
  int64_t cols() const { return p_.keys; }

  /// out[rows, w] = P in[cols, w]. The first call takes each row's reference and sum on its way, which all
  /// others need; it throws Error(kInput) naming the row where one is not finite.
  void multiply(MatrixView<const float> in, MatrixView<float> out);
  /// out[cols, w] = Pᵀ in[rows, w]. The first call takes the moments on its way; it throws Error(kInput)
  /// where scores are so large that f32 has no digits left for their differences, and rows do not sum to 1.
  void multiply_transposed(MatrixView<const float> in, MatrixView<float> out);

  /// After multiply_transposed().
  const AttentionMoments& moments() const { return moments_; }

  /// A bound on |computed − P X| over P |X|, element by element, for both products.
  double relative_rounding() const;
  /// An upper bound of ‖P‖₂: √(largest row sum · largest column sum), after multiply_transposed().
  double norm_bound() const;

  Run& run() { return run_; }

 private:
  void make_bias_tables();
  void attend(MatrixView<const float> in, MatrixView<float> out);
  void take_moments();
  template <class Piece>
  void in_pieces(int64_t rows, int64_t width, bool last_first, Piece&& piece);

  Head head_;
  Run& run_;
  ImplicitProbabilities p_;
  Buffer<float> q_, shifts_, factors_, workspace_;
  Buffer<float> biases_;    ///< for attention, by query and by key, as their kernels want them
  Buffer<double> columns_;  ///< [3, keys]: ColumnSums, until they are summed
  AttentionMoments moments_;
  bool has_factors_ = false, has_moments_ = false;
};

}  // namespace linformer
