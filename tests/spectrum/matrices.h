// SPDX-License-Identifier: MIT
// Attention-like matrices for the tests of this folder.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/tensor.h"

namespace linformer::testing {

/// An owned matrix whose rows are `gap` elements apart more than they need be.
struct Matrix {
  Matrix(int64_t row_count, int64_t col_count, int64_t gap = 3)
      : rows(row_count),
        cols(col_count),
        data(static_cast<size_t>(rows * (cols + gap)), 99.0f),
        stride(cols + gap) {}

  MatrixView<float> view() { return {data.data(), rows, cols, stride}; }
  MatrixView<const float> view() const { return {data.data(), rows, cols, stride}; }
  float& at(int64_t i, int64_t j) { return data[static_cast<size_t>(i * stride + j)]; }
  float at(int64_t i, int64_t j) const { return data[static_cast<size_t>(i * stride + j)]; }

  int64_t rows, cols;
  std::vector<float> data;
  int64_t stride;
};

inline Matrix fill(int64_t rows, int64_t cols, const std::function<double(int64_t, int64_t)>& entry) {
  Matrix p(rows, cols);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) p.at(i, j) = static_cast<float>(entry(i, j));
  return p;
}

/// Softmax of Gaussian logits of the given standard deviation.
inline Matrix gaussian_attention(int64_t rows, int64_t cols, double scale, bool causal, uint64_t seed) {
  Random random({.seed = seed, .purpose = 77, .index = 0});
  Matrix p(rows, cols);
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t valid = causal ? std::min(cols, i + 1) : cols;
    std::vector<double> e(static_cast<size_t>(cols));
    double sum = 0;
    for (int64_t j = 0; j < valid; ++j)
      sum += e[static_cast<size_t>(j)] = std::exp(scale * static_cast<double>(random.normal()));
    for (int64_t j = 0; j < cols; ++j) p.at(i, j) = static_cast<float>(e[static_cast<size_t>(j)] / sum);
  }
  return p;
}

/// Singular values in three clusters: 1, 1/2 but for a few roundings, and 1e-4, between two random
/// reflections.
inline Matrix clustered(int64_t rows, int64_t cols, uint64_t seed) {
  Random random({.seed = seed, .purpose = 78, .index = 0});
  const auto unit = [&](int64_t size) {
    std::vector<double> u(static_cast<size_t>(size));
    double squares = 0;
    for (double& x : u) x = static_cast<double>(random.normal()), squares += x * x;
    for (double& x : u) x /= std::sqrt(squares);
    return u;
  };
  const std::vector<double> u = unit(rows), v = unit(cols);
  const int64_t least = std::min(rows, cols);
  const auto value = [&](int64_t i) {
    if (i >= least) return 0.0;
    return i % 3 == 0 ? 1.0 : i % 3 == 1 ? 0.5 + 1e-7 * static_cast<double>(i % 5) : 1e-4;
  };
  // (I − 2uuᵀ) D (I − 2vvᵀ) = D − 2u(Dᵀu)ᵀ − 2(Dv)vᵀ + 4(uᵀDv)uvᵀ
  double along = 0;
  for (int64_t i = 0; i < least; ++i)
    along += u[static_cast<size_t>(i)] * value(i) * v[static_cast<size_t>(i)];
  return fill(rows, cols, [&](int64_t i, int64_t j) {
    const double ui = u[static_cast<size_t>(i)], vj = v[static_cast<size_t>(j)];
    const double du = j < least ? value(j) * u[static_cast<size_t>(j)] : 0;
    const double dv = i < least ? value(i) * v[static_cast<size_t>(i)] : 0;
    return (i == j ? value(i) : 0) - 2 * ui * du - 2 * dv * vj + 4 * along * ui * vj;
  });
}

/// Every kind of matrix that the methods must take, by name.
inline std::vector<std::pair<std::string, Matrix>> zoo(int64_t rows, int64_t cols) {
  std::vector<std::pair<std::string, Matrix>> all;
  for (const double scale : {0.05, 1.0, 4.0, 20.0})
    all.emplace_back("gaussian " + std::to_string(scale), gaussian_attention(rows, cols, scale, false, 1));
  all.emplace_back("causal", gaussian_attention(rows, cols, 2, true, 2));
  const auto n = static_cast<double>(cols);
  all.emplace_back("uniform", fill(rows, cols, [=](int64_t, int64_t) { return 1 / n; }));
  all.emplace_back("identity", fill(rows, cols, [](int64_t i, int64_t j) { return i == j; }));
  all.emplace_back("cyclic permutation",
                   fill(rows, cols, [=](int64_t i, int64_t j) { return (i + 1) % cols == j; }));
  const int64_t least = std::min(rows, cols);  // all singular values equal, rows or columns too
  all.emplace_back("repeated identity",
                   fill(rows, cols, [=](int64_t i, int64_t j) { return i % least == j % least; }));
  all.emplace_back("one column", fill(rows, cols, [](int64_t, int64_t j) { return j == 0; }));
  all.emplace_back("last column", fill(rows, cols, [=](int64_t, int64_t j) { return j == cols - 1; }));
  all.emplace_back("clustered", clustered(rows, cols, 4));
  Matrix repeated = gaussian_attention(rows, cols, 2, false, 3);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) repeated.at(i, j) = repeated.at(i % 3 % rows, j);
  all.emplace_back("repeated rows", std::move(repeated));
  all.emplace_back("zero", fill(rows, cols, [](int64_t, int64_t) { return 0; }));
  all.emplace_back("subnormal", fill(rows, cols, [](int64_t i, int64_t j) {
                     return 1e-40 * double((i * 7 + j * j) % 5);
                   }));
  all.emplace_back(
      "signed", fill(rows, cols, [](int64_t i, int64_t j) { return std::sin(double(3 * i * i + 5 * j)); }));
  all.emplace_back("mean-free columns", fill(rows, cols, [](int64_t i, int64_t j) {
                     return i % 2 == 0 ? double(j) : -double(j);
                   }));
  return all;
}

}  // namespace linformer::testing
