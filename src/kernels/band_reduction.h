// SPDX-License-Identifier: MIT
// A matrix to an upper band matrix with the same singular values: the first of the three steps to singular
// values. Vector code, chosen at run time for the machine.
#pragma once

#include <cstdint>

namespace linformer {

/// Diagonals of the band above the main one.
inline constexpr int64_t kBandwidth = 16;

/// A whole number of kBandwidth, at least `size`.
inline int64_t padded_to_band(int64_t size) { return (size + kBandwidth - 1) / kBandwidth * kBandwidth; }

/// The stride at which reduce_to_band works fastest on rows of this many f32: an odd number of cache lines.
int64_t band_row_stride(int64_t cols);

/// Floats of workspace, aligned to 64 bytes, for a matrix of this size.
int64_t band_workspace(int64_t rows, int64_t cols);

/// Turns A [rows, cols], rows >= cols > 0 multiples of kBandwidth, at a row stride of band_row_stride(cols),
/// 64-byte aligned, into band[cols, 17]: band[i, j] is element (i, i + j) of Q A W with Q and W orthogonal;
/// what would lie beyond the last column is untouched. The first column of W is that of the identity. A is
/// destroyed. Entries should be of the order of 1 at most: columns whose squared norm is below 1e-24 count as
/// zero. Householder reflectors in blocks (Schreiber and Van Loan 1989), about 8/3 n³ operations for square
/// A.
void reduce_to_band(float* a, int64_t rows, int64_t cols, float* workspace, float* band);

}  // namespace linformer
