// SPDX-License-Identifier: MIT
// The three steps to singular values for a group of matrices of one shape on one thread. Private to this
// folder; see fast.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/memory.h"
#include "spectrum/fast_input.h"

namespace linformer {

/// One reduction: the reflected P yields both spectra, the plain and the centred one their own.
struct FastJob {
  MatrixForm form;
  MatrixView<const float> matrix;
  float largest;                      ///< |entry| of it
  std::span<double> values, centred;  ///< either may be empty
};

/// A thread's workspace. Where a spectrum turns out nearly flat, which the second step in f32 does not carry
/// to 2e-6 σ₁, its band waits until there are enough of them to fill lanes, for that step in f64.
class FastGroup {
 public:
  /// Of all buffers, for matrices of this shape and none larger.
  static int64_t bytes(int64_t rows, int64_t cols);

  /// At most tridiagonal_group() jobs of one form and shape. Those with flat spectra may be left waiting,
  /// with the values of the f32 step; the spans of their jobs must live until solve_waiting().
  void solve(std::span<const FastJob> jobs, MemoryAccount& account);

  bool has_waiting() const { return flat_.size() > 0; }
  /// Fills the spans of all that wait.
  void solve_waiting(MemoryAccount& account);
  /// Forgets those that wait.
  void forget_waiting() { flat_.clear(); }

 private:
  struct Sizes;

  // Matrices of one form and shape after the first step, a group at most.
  struct Batch {
    std::vector<FastJob> jobs;
    std::vector<float> scales;  ///< what each matrix was multiplied by
    Buffer<float> bands;        ///< [jobs, n, kBandwidth + 1]

    int64_t size() const { return std::ssize(jobs); }
    float* band(const Sizes& s, int64_t i) const;
    void clear() { jobs.clear(), scales.clear(); }
  };

  void prepare(const Sizes& s, MemoryAccount& account);
  template <class T>
  void chase(const Sizes& s, const Batch& batch, T* room);
  void form_tridiagonal(const Sizes& s, int64_t i, int64_t first, double* diagonal, double* squares) const;
  template <class Out>
  void find_values(const Sizes& s, const Batch& batch, int64_t first, const Out& out);
  void find_values(const Sizes& s, const Batch& batch);
  void keep_waiting(const Sizes& s, int64_t i, MemoryAccount& account);
  double* d(const Sizes& s, int64_t i) const;
  double* e(const Sizes& s, int64_t i) const;

  Buffer<float> matrix_, reduction_, reflections_;
  Buffer<double> bidiagonals_, tridiagonals_;
  Batch batch_;
  Batch flat_;           ///< what waits; its buffer where one was needed
  Buffer<double> wide_;  ///< of the second step in f64
};

}  // namespace linformer
