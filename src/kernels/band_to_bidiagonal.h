// SPDX-License-Identifier: MIT
// Upper band matrices to upper bidiagonal ones with the same singular values, several at once: the second of
// the three steps to singular values. Vector code, chosen at run time for the machine.
#pragma once

#include <cstdint>

#include "kernels/band_reduction.h"

namespace linformer {

/// How many matrices are worked on together in T, float or double.
template <class T>
int64_t bidiagonal_group();
template <>
int64_t bidiagonal_group<float>();
template <>
int64_t bidiagonal_group<double>();

/// Elements of workspace, aligned to 64 bytes, for a group of matrices of n columns.
template <class T>
int64_t bidiagonal_workspace(int64_t n);
template <>
int64_t bidiagonal_workspace<float>(int64_t n);
template <>
int64_t bidiagonal_workspace<double>(int64_t n);

/// bands[i]: matrix i of the group as reduce_to_band leaves it, n > 0 a multiple of kBandwidth; null: none.
/// Writes the diagonal d[i][n] and the elements above it e[i][n − 1] of what B's become. The first column of
/// the right transformation is that of the identity. Each matrix's result depends on nothing of the others.
/// Householder reflectors that chase the bulge they make (Lang 1996), about 8 n² · 16 operations a matrix, in
/// f32 or f64 as the workspace is. In f32 every entry is rounded up to n times, which moves singular values
/// that are all alike by up to 3.7e-6 of them at n = 512 (METHODS.md, section 4).
void band_to_bidiagonal(const float* const* bands, int64_t n, float* workspace, double* const* d,
                        double* const* e);
void band_to_bidiagonal(const float* const* bands, int64_t n, double* workspace, double* const* d,
                        double* const* e);

}  // namespace linformer
