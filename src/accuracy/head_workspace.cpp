// SPDX-License-Identifier: MIT
#include "accuracy/head_workspace.h"

namespace linformer {
namespace {

constexpr const char* kUse = "matrices of a head";

Product::Sizes sizes_of(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c,
                        bool transposed) {
  return {.m = c.rows,
          .n = c.cols,
          .k = a.cols,
          .a_stride = a.stride,
          .b_stride = b.stride,
          .c_stride = c.stride,
          .b_transposed = transposed};
}

}  // namespace

MatrixView<float> HeadWorkspace::matrix(size_t place, int64_t rows, int64_t cols) {
  Buffer<float>& buffer = floats_[place];
  buffer.reserve(memory_, rows * cols, kUse);
  return {buffer.data(), rows, cols, cols};
}

MatrixView<double> HeadWorkspace::doubles(size_t place, int64_t rows, int64_t cols) {
  Buffer<double>& buffer = doubles_[place];
  buffer.reserve(memory_, rows * cols, kUse);
  return {buffer.data(), rows, cols, cols};
}

int32_t* HeadWorkspace::integers(int64_t count) {
  integers_.reserve(memory_, count, kUse);
  return integers_.data();
}

int64_t HeadWorkspace::bytes() const {
  int64_t sum = integers_.bytes() + scratch_.bytes() + products_.bytes();
  for (const auto& [place, buffer] : floats_) sum += buffer.bytes();
  for (const auto& [place, buffer] : doubles_) sum += buffer.bytes();
  return sum;
}

void HeadWorkspace::multiply(MatrixView<const float> a, MatrixView<const float> b, MatrixView<float> c) {
  const Product::Sizes sizes = sizes_of(a, b, c, false);
  products_.run(sizes, a.data, b.data, c.data, scratch_.span(), memory_);
}

void HeadWorkspace::multiply_transposed(MatrixView<const float> a, MatrixView<const float> b,
                                        MatrixView<float> c) {
  const Product::Sizes sizes = sizes_of(a, b, c, true);
  products_.run(sizes, a.data, b.data, c.data, scratch_.span(), memory_);
}

Mechanism& HeadWorkspace::mechanism(const std::string& name,
                                    const std::function<std::unique_ptr<Mechanism>()>& make) {
  std::unique_ptr<Mechanism>& kept = mechanisms_[name];
  if (!kept) kept = make();
  return *kept;
}

void HeadWorkspace::run(Mechanism& mechanism, const AttentionShape& shape, const AttentionInput& in,
                        MatrixView<float> out, const AttentionTaps& taps) {
  scratch_.reserve(memory_, mechanism.workspace_bytes(shape, 1, taps.any()), kUse);
  mechanism.run(shape, in, as_heads(out), taps, scratch_.span(), run_);
}

}  // namespace linformer
