// SPDX-License-Identifier: MIT
// Products with the pseudo-inverse of a small square matrix, in f64, on the calling thread.
#pragma once

#include <cstdint>

#include "attention/nystrom_options.h"

namespace linformer {

/// C [m, n] = A [m, k] · B [k, n]; dense, row-major.
void multiply(const double* a, const double* b, double* c, int64_t m, int64_t n, int64_t k);
/// C [m, n] = factor · A [m, k] · Bᵀ, B [n, k].
void multiply_transposed(double factor, const double* a, const double* b, double* c, int64_t m, int64_t n,
                         int64_t k);

/// Bytes that multiply_by_inverse() works in, a multiple of 64.
int64_t inverse_bytes(const NystromOptions& options, int64_t m, int64_t d);
/// Its operations.
double inverse_flops(const NystromOptions& options, int64_t m, int64_t d);

/// Y [m, d] becomes Z Y, Z the pseudo-inverse of A [m, m]. Iterative: Z₀ = Aᵀ/(|A|₁|A|∞),
/// Z ← Z/4 (13I − AZ(15I − AZ(7I − AZ))) (arXiv 2102.03902, equation 11), the norms being those of this A
/// alone. `room`: inverse_bytes(), aligned to 64.
void multiply_by_inverse(const NystromOptions& options, const double* a, double* y, int64_t m, int64_t d,
                         void* room);

}  // namespace linformer
