// SPDX-License-Identifier: MIT
// Eigenvalues of symmetric tridiagonal matrices, several at once: the last of the three steps to singular
// values. Vector code, chosen at run time for the machine.
#pragma once

#include <cstdint>

namespace linformer {

/// The most matrices that are worked on together.
int64_t tridiagonal_group();

/// All eigenvalues of `count` matrices, 1 to tridiagonal_group(), positive semidefinite and of order n.
/// Element i of matrix l is at [i · group + l], 64-byte aligned: diagonal [n], squares of the elements beside
/// it in squares[1 .. n) (element i between i − 1 and i; squares[0] is room to work in); zeros where there is
/// no matrix. The largest entry of a matrix should be 0 or between 1e-30 and 1e30. The eigenvalues replace
/// `diagonal`, in no order, within about 1e-14 of the largest; `squares` is destroyed. Each matrix's result
/// depends on nothing of the others. False if they do not converge. QR without square roots by Pal, Walker
/// and Kahan, as in LAPACK's dsterf.
bool tridiagonal_values(int64_t n, int64_t count, double* diagonal, double* squares);

}  // namespace linformer
