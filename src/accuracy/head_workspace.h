// SPDX-License-Identifier: MIT
// Where one thread computes with the matrices of one head.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attention/mechanism.h"
#include "base/dnn.h"
#include "base/memory.h"
#include "base/tensor.h"

namespace linformer {

/// Matrices by place, which grow once and are kept, products, and mechanisms. Everything runs on the calling
/// thread.
class HeadWorkspace {
 public:
  explicit HeadWorkspace(MemoryAccount& memory) : memory_(memory), run_{.memory = memory} {}
  HeadWorkspace(HeadWorkspace&&) = default;

  /// Dense; what was at this place is lost if it was smaller.
  MatrixView<float> matrix(size_t place, int64_t rows, int64_t cols);
  MatrixView<double> doubles(size_t place, int64_t rows, int64_t cols);
  int32_t* integers(int64_t count);
  /// Of its own buffers; those that mechanisms keep are not among them.
  int64_t bytes() const;

  /// C = A · B, and C = A · Bᵀ.
  void multiply(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c);
  void multiply_transposed(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c);

  /// What `make` made for this name at its first use.
  Mechanism& mechanism(const std::string& name, const std::function<std::unique_ptr<Mechanism>()>& make);
  /// Runs it on one head of one sequence.
  void run(Mechanism& mechanism, const AttentionShape& shape, const AttentionInput& in, MatrixView<float> out,
           const AttentionTaps& taps);

 private:
  MemoryAccount& memory_;
  Run run_;  ///< one thread
  std::map<size_t, Buffer<float>> floats_;
  std::map<size_t, Buffer<double>> doubles_;
  Buffer<int32_t> integers_;
  RawBuffer scratch_;
  ProductCache products_;
  std::map<std::string, std::unique_ptr<Mechanism>> mechanisms_;
};

/// Heads [1, 1, rows, cols] that are this one matrix.
template <class T>
HeadsView<T> as_heads(MatrixView<T> m) {
  return {m.data, 1, 1, m.rows, m.cols, m.rows * m.stride, m.rows * m.stride, m.stride};
}

}  // namespace linformer
