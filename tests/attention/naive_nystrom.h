// SPDX-License-Identifier: MIT
// A Nyströmformer's attention of one head by f64 loops, its pseudo-inverse given.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "base/tensor.h"

namespace linformer::naive {

using Rows = std::vector<std::vector<double>>;

inline Rows rows_of(MatrixView<const float> m) {
  Rows rows;
  for (int64_t i = 0; i < m.rows; ++i) rows.emplace_back(m.row(i), m.row(i) + m.cols);
  return rows;
}

inline Rows times(const Rows& a, const Rows& b) {
  Rows c(a.size(), std::vector<double>(b[0].size()));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < b[0].size(); ++j)
      for (size_t l = 0; l < b.size(); ++l) c[i][j] += a[i][l] * b[l][j];
  return c;
}

/// Row i is in segment ⌊((i + 1) m − 1) / n⌋: those whose end lies in it.
inline Rows means(const Rows& x, size_t m) {
  Rows sums(m, std::vector<double>(x[0].size()));
  std::vector<double> counts(m);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t segment = ((i + 1) * m - 1) / x.size();
    ++counts[segment];
    for (size_t c = 0; c < x[0].size(); ++c) sums[segment][c] += x[i][c];
  }
  for (size_t s = 0; s < m; ++s)
    for (double& sum : sums[s]) sum /= counts[s];
  return sums;
}

inline Rows softmax(const Rows& q, const Rows& k, double scale) {
  Rows p;
  for (const std::vector<double>& query : q) {
    std::vector<double> row;
    double most = -1e300, sum = 0;
    for (const std::vector<double>& key : k) {
      double dot = 0;
      for (size_t c = 0; c < key.size(); ++c) dot += query[c] * key[c];
      row.push_back(scale * dot);
      most = std::max(most, row.back());
    }
    for (double& x : row) sum += x = std::exp(x - most);
    for (double& x : row) x /= sum;
    p.push_back(std::move(row));
  }
  return p;
}

/// The paper's iteration from Aᵀ/(|A|₁|A|∞).
inline Rows iterated(const Rows& a, int64_t iterations) {
  const size_t m = a.size();
  double rows = 0, columns = 0;
  for (size_t i = 0; i < m; ++i) {
    double row = 0, column = 0;
    for (size_t j = 0; j < m; ++j) row += std::abs(a[i][j]), column += std::abs(a[j][i]);
    rows = std::max(rows, row), columns = std::max(columns, column);
  }
  Rows z(m, std::vector<double>(m));
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < m; ++j) z[i][j] = a[j][i] / (rows * columns);
  const auto from_identity = [&](double c, Rows x) {
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < m; ++j) x[i][j] = (i == j ? c : 0) - x[i][j];
    return x;
  };
  for (int64_t step = 0; step < iterations; ++step) {
    const Rows az = times(a, z);
    z = times(z, from_identity(13, times(az, from_identity(15, times(az, from_identity(7, az))))));
    for (auto& row : z)
      for (double& x : row) x /= 4;
  }
  return z;
}

/// By Gauss and Jordan, with the largest pivot of each column.
inline Rows inverted(Rows a) {
  const size_t m = a.size();
  Rows z(m, std::vector<double>(m));
  for (size_t i = 0; i < m; ++i) z[i][i] = 1;
  for (size_t c = 0; c < m; ++c) {
    size_t pivot = c;
    for (size_t i = c; i < m; ++i)
      if (std::abs(a[i][c]) > std::abs(a[pivot][c])) pivot = i;
    std::swap(a[c], a[pivot]), std::swap(z[c], z[pivot]);
    const double by = a[c][c];
    for (size_t j = 0; j < m; ++j) a[c][j] /= by, z[c][j] /= by;
    for (size_t i = 0; i < m; ++i) {
      const double factor = i == c ? 0 : a[i][c];
      for (size_t j = 0; j < m; ++j) a[i][j] -= factor * a[c][j], z[i][j] -= factor * z[c][j];
    }
  }
  return z;
}

using Inverse = std::function<Rows(const Rows&)>;

inline Rows nystrom(const Rows& q, const Rows& k, const Rows& v, double scale, size_t landmarks,
                    const Inverse& inverse) {
  const Rows q_means = means(q, landmarks), k_means = means(k, landmarks);
  const Rows of_landmarks = times(softmax(q_means, k, scale), v);
  return times(softmax(q, k_means, scale), times(inverse(softmax(q_means, k_means, scale)), of_landmarks));
}

}  // namespace linformer::naive
