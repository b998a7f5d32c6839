// SPDX-License-Identifier: MIT
// Singular values of many matrices, by several methods behind one interface.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/run.h"
#include "base/tensor.h"

namespace linformer {

/// One matrix and where its spectra go. Nothing is owned.
struct SpectrumTask {
  MatrixView<const float> matrix;  ///< [rows, cols], any stride >= cols
  std::span<double> values;        ///< [min(rows, cols)], descending
  std::span<double> centred;  ///< the same size: values of P − 1 p̄ᵀ, p̄ the column means; empty: not wanted
};

/// An entry that is NaN or infinite. The caller knows which layer, head and sequence the task stands for and
/// rethrows with them.
class NonFiniteEntry : public Error {
 public:
  NonFiniteEntry(int64_t task, int64_t row, int64_t col, float value);

  int64_t task() const { return task_; }  ///< index into the span given to compute()
  int64_t row() const { return row_; }

 private:
  int64_t task_, row_;
};

/// A method. Keeps workspaces between calls, counted in run.memory, which must outlive it. One call at a
/// time.
class SingularValues {
 public:
  virtual ~SingularValues() = default;

  /// What compute() holds for each thread when it has met a matrix of this shape and none larger.
  virtual int64_t workspace_bytes(int64_t rows, int64_t cols) const = 0;

  /// Fills the spans of all tasks, spread over run.threads threads with one LAPACK thread each; the shapes
  /// may differ. The values depend on the matrix alone (and on whether its centred values are wanted), not on
  /// threads or grouping. Tells nothing to run.progress and does not look at run.stop: a call is one unit of
  /// work. Throws NonFiniteEntry (kInput; the first such task, nothing is written then), kUnsupported (no
  /// OpenBLAS), kMemory, kInternal (spans of a wrong size, no convergence).
  virtual void compute(std::span<const SpectrumTask> tasks, Run& run) = 0;

  /// Seconds that threads have waited for others in compute() so far, all together.
  double idle_seconds() const { return idle_seconds_; }

 protected:
  double idle_seconds_ = 0;
};

/// The method of an analysis that asks for none.
inline constexpr std::string_view kDefaultMethod = "fast";

/// "fast": our own kernels, f32 and in the end f64, within 2e-6 σ₁ of f64 LAPACK. "gram": f64 Gram matrix and
/// its eigenvalues, within 2e-6 σ₁ of f64 LAPACK. "gesdd": LAPACK in f32, within 1e-5 σ₁. "gesdd-f64": LAPACK
/// in f64, what the others are verified against. Any other name throws Error(kUsage).
std::unique_ptr<SingularValues> make_singular_values(std::string_view method);

}  // namespace linformer
