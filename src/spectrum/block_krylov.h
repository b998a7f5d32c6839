// SPDX-License-Identifier: MIT
// Leading singular values of a P that is only known by its products: randomised block Krylov iteration with a
// Rayleigh-Ritz step (Musco and Musco, "Randomized block Krylov methods", 2015).
#pragma once

#include <vector>

#include "base/random.h"
#include "spectrum/attention_operator.h"
#include "spectrum/tall_products.h"

namespace linformer {

/// What a basis Q [rows, r] says of P. With B = QᵀP for orthonormal Q: B = X Σ Vᵀ, and S = (I − QQᵀ) P Bᵀ X
/// in an orthonormal basis of its range.
struct RitzValues {
  std::vector<double> values;    ///< [r], Σ, descending: no larger than P's singular values
  std::vector<double> vectors;   ///< [r, r] row-major: Q · vectors is QX
  std::vector<double> coupling;  ///< [coupling_rows, r] row-major: S
  int64_t coupling_rows = 0;
  double last_norm = 0;  ///< ‖PᵀQ‖_F of the last block, whose product with P the coupling is made of

  /// ‖S_k‖.
  double coupling_norm(int64_t k) const;
};

/// Q in f32, and B = QᵀP as f32 products. Q is orthonormal to f32 only, but its Gram matrix is known in f64
/// and accounted for everywhere.
class BlockKrylov {
 public:
  /// Room for `capacity` vectors in blocks of at most `width`, and for a second chain's start of `later`
  /// columns. `p` must outlive it.
  BlockKrylov(AttentionOperator& p, int64_t capacity, int64_t width, int64_t later = 0);

  /// Bytes of its buffers, beside those of the operator.
  static int64_t buffer_bytes(int64_t rows, int64_t cols, int64_t capacity, int64_t width, int64_t later,
                              int threads);

  /// Begins a chain of blocks: the next one is what P Ω, Ω [cols, width] standard normal, adds to Q. A pass,
  /// which takes P Ω' for begin_later() as well.
  void begin(const RandomStream& stream, int64_t width);

  /// Adds the next block to Q: a pass. False, and nothing happens, if no direction is left that rounding has
  /// not made, or there is no room. The first block of begin_later() may go along, at the cost of its columns
  /// alone; where the chain goes on all the same, that was in vain.
  enum class Along { kNothing, kLater };
  bool add_block(Along along = Along::kNothing);
  /// After it, prepares the one after: a pass, and none where it went along with the chain before. ritz() has
  /// the coupling then, which is what that block begins with.
  void prepare_block();

  /// Begins another chain: adds to Q what P Ω', Ω' [cols, later] of begin() and independent of Ω, has beyond
  /// it; a pass, unless it went along. False as add_block(). After prepare_block(), once after each begin().
  bool begin_later();

  int64_t size() const { return size_; }

  /// Of basis vectors [first, size), which must be all, or a chain begun when there were `first`: then P is
  /// what it is without its projection on the first ones. No coupling where the last block was added without
  /// preparing another.
  RitzValues ritz(int64_t first = 0) const;

  /// Q [rows, size].
  MatrixView<const float> left() const { return {left_.data(), p_.rows(), size_, stride_}; }
  /// PᵀQ [cols, size].
  MatrixView<const float> right() const { return {right_.data(), p_.cols(), size_, stride_}; }

 private:
  // What a product Y = P X has beyond Q.
  struct Directions {
    MatrixView<float> y;           ///< without its part in Q
    int64_t width = 0;             ///< how many
    std::vector<double> to_new;    ///< [y.cols, width]: Y · to_new, orthonormal
    std::vector<double> from_new;  ///< [width, y.cols]: these · from_new is Y
  };

  std::vector<double> take_out_old(MatrixView<float> y);
  Directions beyond(MatrixView<float> y);
  MatrixView<float> columns(const Buffer<float>& of, int64_t rows, int64_t first, int64_t count) const;
  void append_to(double* gram, MatrixView<const float> all, int64_t added);

  AttentionOperator& p_;
  TallProducts products_;
  int64_t capacity_, stride_, later_width_;
  int64_t size_ = 0;
  Buffer<float> left_, right_;     ///< Q and PᵀQ, and after them the block that went along
  Buffer<float> images_;           ///< P times the last block of PᵀQ and what went along
  Buffer<float> later_;            ///< P Ω'
  Buffer<double> gram_, energy_;   ///< QᵀQ, (PᵀQ)ᵀ(PᵀQ), [capacity, capacity], lower triangles
  Directions next_;                ///< the next block, once prepared
  MatrixView<float> along_image_;  ///< of images_
  int64_t last_width_ = 0;         ///< of the last block; 0: next_ is of a start
  int64_t along_width_ = 0;        ///< of the block that went along; 0: none did
  bool prepared_ = false;          ///< next_ and along_image_ are set, of the last block or of a start
};

}  // namespace linformer
