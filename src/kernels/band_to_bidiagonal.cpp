// SPDX-License-Identifier: MIT
#include "kernels/band_to_bidiagonal.h"

#include <algorithm>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/band_to_bidiagonal.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/band_chase-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace {

template <class T>
int64_t group() {
  return Lanes<T>::kCount;
}

// Rows beyond the last are zero and may be worked on.
template <class T>
int64_t workspace(int64_t n) {
  return ((n + kB + 1) * (Lanes<T>::kKept + 1) + 2 * kB) * Lanes<T>::kCount;
}

template <class T>
void fill(const float* const* bands, int64_t n, T* matrices) {
  using L = Lanes<T>;
  std::fill_n(matrices, workspace<T>(n), T{0});
  for (int lane = 0; lane < L::kCount; ++lane) {
    if (bands[lane] == nullptr) continue;
    for (int64_t r = 0; r < n; ++r) {
      const int64_t kept = std::min<int64_t>(kB + 1, n - r);
      for (int64_t c = 0; c < kept; ++c) matrices[L::at(r, r + c) + lane] = bands[lane][r * (kB + 1) + c];
    }
  }
}

template <class T>
void chase_all(const float* const* bands, int64_t n, T* matrices, double* const* d, double* const* e) {
  using L = Lanes<T>;
  Chase<T> chase;
  fill(bands, n, matrices);
  for (int64_t s = 0; s + 1 < n; ++s) ChaseRow(matrices, n, s, chase);
  for (int lane = 0; lane < L::kCount; ++lane) {
    if (bands[lane] == nullptr) continue;
    for (int64_t i = 0; i < n; ++i) d[lane][i] = matrices[L::at(i, i) + lane];
    for (int64_t i = 0; i + 1 < n; ++i) e[lane][i] = matrices[L::at(i, i + 1) + lane];
  }
}

int64_t Group32() { return group<float>(); }
int64_t Group64() { return group<double>(); }
int64_t Workspace32(int64_t n) { return workspace<float>(n); }
int64_t Workspace64(int64_t n) { return workspace<double>(n); }

void Chases32(const float* const* bands, int64_t n, float* matrices, double* const* d, double* const* e) {
  chase_all(bands, n, matrices, d, e);
}

void Chases64(const float* const* bands, int64_t n, double* matrices, double* const* d, double* const* e) {
  chase_all(bands, n, matrices, d, e);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(Group32);
HWY_EXPORT(Group64);
HWY_EXPORT(Workspace32);
HWY_EXPORT(Workspace64);
HWY_EXPORT(Chases32);
HWY_EXPORT(Chases64);

template <>
int64_t bidiagonal_group<float>() {
  return HWY_DYNAMIC_DISPATCH(Group32)();
}

template <>
int64_t bidiagonal_group<double>() {
  return HWY_DYNAMIC_DISPATCH(Group64)();
}

template <>
int64_t bidiagonal_workspace<float>(int64_t n) {
  return HWY_DYNAMIC_DISPATCH(Workspace32)(n);
}

template <>
int64_t bidiagonal_workspace<double>(int64_t n) {
  return HWY_DYNAMIC_DISPATCH(Workspace64)(n);
}

void band_to_bidiagonal(const float* const* bands, int64_t n, float* workspace, double* const* d,
                        double* const* e) {
  HWY_DYNAMIC_DISPATCH(Chases32)(bands, n, workspace, d, e);
}

void band_to_bidiagonal(const float* const* bands, int64_t n, double* workspace, double* const* d,
                        double* const* e) {
  HWY_DYNAMIC_DISPATCH(Chases64)(bands, n, workspace, d, e);
}

}  // namespace linformer
#endif
