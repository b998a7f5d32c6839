// SPDX-License-Identifier: MIT
// For each block of 16 columns: QR of the columns below the diagonal, A ← (I − V T Vᵀ)ᵀ A, then LQ of the 16
// rows to their right, A ← A (I − U S Uᵀ). Both come as one update of rank 32: with W = Tᵀ Vᵀ A and Z = A (U
// S) − V (W U S),
//   A ← A − V W − Z Uᵀ,
// where Z is computed of the A that is not yet updated. All but O(n²) operations are products of a large
// matrix with 16 or 32 vectors, in place: A is never packed.
#include "kernels/band_reduction.h"

#include <algorithm>
#include <cstdint>

// Compiled once per instruction set.
#include "kernels/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/band_reduction.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>
//
#include "kernels/band_panel-inl.h"
#include "kernels/band_products-inl.h"
#include "kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace linformer {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

int64_t RowStride(int64_t cols) {
  for (const int64_t stride : kStrides) {
    if (cols <= stride) return stride;
  }
  return cols / kB % 2 == 0 ? cols + kB : cols;
}

int64_t Workspace(int64_t rows, int64_t cols) {
  // Chunks of a panel and of W and Uᵀ; V and Z side by side; U S; three 16 x 16.
  return 2 * kB * (rows + cols) + 2 * kB * rows + kB * cols + 3 * kB * kB;
}

void Reduce(float* a, int64_t rows, int64_t cols, float* workspace, float* band) {
  const int64_t stride = RowStride(cols);
  float* const panel = workspace;           // [rows / 16] chunks
  float* const wu = panel + 2 * kB * rows;  // [cols / 16] chunks: W, then Uᵀ
  float* const vz = wu + 2 * kB * cols;     // [rows, 32]: V, then Z
  float* const us = vz + 2 * kB * rows;     // [cols, 16]: U S
  float* const r = us + kB * cols;
  float* const t = r + kB * kB;
  float* const m = t + kB * kB;
  constexpr int64_t kRow = kB + 1;
  for (int64_t k = 0; k < cols; k += kB) {
    const int64_t high = rows - k, wide = cols - k - kB;
    float* const ak = a + k * stride + k;
    for (int64_t i = 0; i < high; i += kB) transpose(ak + i * stride, stride, kB, kB, panel + i * 2 * kB, kB);
    FactorPanel(panel, high, r, t);
    for (int64_t j = 0; j < kB; ++j) {
      for (int64_t i = 0; i <= j; ++i) band[(k + i) * kRow + j - i] = r[j * kB + i];
    }
    if (wide == 0) break;
    for (int64_t i = 0; i < high; i += kB) transpose(panel + i * 2 * kB, kB, kB, kB, vz + i * 2 * kB, 2 * kB);

    float* const right = ak + kB;  // of the panel: the 16 rows that the LQ takes, and below them ...
    float* const rest = right + kB * stride;  // ... what goes on
    float* const ut = wu + kB * kB;
    const float* const v_rest = vz + kB * 2 * kB;
    multiply_vta(vz, right, stride, high, wide, wu);
    for (int64_t c = 0; c < wide; c += kB) MultiplyTransposedT(t, wu + c * 2 * kB);
    update<kB>(right, stride, kB, wide, vz, wu, ut);
    FactorPanel(ut, wide, r, t);
    for (int64_t j = 0; j < kB; ++j) {
      for (int64_t i = 0; i <= j; ++i) band[(k + j) * kRow + kB + i - j] = r[j * kB + i];
    }
    for (int64_t c = 0; c < wide; c += kB) {
      HWY_ALIGN float block[kB * kB];
      std::copy_n(ut + c * 2 * kB, kB * kB, block);
      MultiplyTransposedT(t, block);
      transpose(block, kB, kB, kB, us + c * kB, kB);
    }
    MultiplyWu(wu, us, wide, m);
    if (high > kB) {
      multiply_au(rest, stride, high - kB, wide, us, v_rest, m, vz + kB * 2 * kB + kB);
      update<2 * kB>(rest, stride, high - kB, wide, v_rest, wu, nullptr);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace linformer
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace linformer {

HWY_EXPORT(RowStride);
HWY_EXPORT(Workspace);
HWY_EXPORT(Reduce);

int64_t band_row_stride(int64_t cols) { return HWY_DYNAMIC_DISPATCH(RowStride)(cols); }

int64_t band_workspace(int64_t rows, int64_t cols) { return HWY_DYNAMIC_DISPATCH(Workspace)(rows, cols); }

void reduce_to_band(float* a, int64_t rows, int64_t cols, float* workspace, float* band) {
  HWY_DYNAMIC_DISPATCH(Reduce)(a, rows, cols, workspace, band);
}

}  // namespace linformer
#endif
