// SPDX-License-Identifier: MIT
// How large a Krylov basis becomes and in which blocks. Private to this folder.
#pragma once

#include <algorithm>

#include "spectrum/certified.h"

namespace linformer {

/// Columns and blocks of the chain that bounds the residual, which begins with columns of its own of the very
/// first product.
inline constexpr int64_t kResidualWidth = 16, kResidualSteps = 3;

/// Of a P [rows, cols].
struct CertifiedPlan {
  CertifiedPlan(int64_t rows, int64_t cols, const CertifiedOptions& options);

  int64_t capacity;   ///< vectors of the basis, at most: whole blocks, or all rows
  int64_t width;      ///< columns of a block
  int64_t enough;     ///< vectors without which iteration does not end while there are more
  bool has_residual;  ///< unless the basis may have all rows

  /// Vectors of the basis and of the residual's chain.
  int64_t room() const { return capacity + (has_residual ? kResidualWidth * kResidualSteps : 0); }

  /// Columns of a block of either.
  int64_t widest() const { return std::max(width, kResidualWidth); }

  /// Whether a block after `size` vectors may be the last one, which a first block hardly ever is.
  bool may_be_last(int64_t size) const { return size > 0 && size + width >= enough; }
};

}  // namespace linformer
