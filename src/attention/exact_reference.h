// SPDX-License-Identifier: MIT
// Exact attention by plain loops in f64, a row at a time: what fast mechanisms are held to.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attention/mechanism.h"

namespace linformer {

/// Keys and values of one head in f64: [keys, d] and [keys, value_size].
struct ReferenceKeys {
  std::vector<double> k, v;
};

inline std::vector<double> to_f64(MatrixView<const float> m) {
  std::vector<double> values;
  values.reserve(static_cast<size_t>(m.rows * m.cols));
  for (int64_t i = 0; i < m.rows; ++i) values.insert(values.end(), m.row(i), m.row(i) + m.cols);
  return values;
}

inline ReferenceKeys reference_keys(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h) {
  const int64_t kv = h / (s.heads / in.k.heads);
  return {to_f64(in.k.matrix(b, kv)), to_f64(in.v.matrix(b, kv))};
}

/// O's row of query i of head h of sequence b; zeros where no key is seen. `keys` may be slots, then without
/// mask or bias.
inline std::vector<double> reference_row(const AttentionShape& s, const AttentionInput& in,
                                         const ReferenceKeys& keys, int64_t b, int64_t h, int64_t i) {
  const int64_t count = std::ssize(keys.k) / s.head_size, seen = s.causal ? std::min(count, i + 1) : count;
  const float* const q = in.q.matrix(b, h).row(i);
  std::vector<double> p(static_cast<size_t>(seen));
  double most = -std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < seen; ++j) {
    double dot = 0;
    for (int64_t c = 0; c < s.head_size; ++c) {
      dot += static_cast<double>(q[c]) * keys.k[static_cast<size_t>(j * s.head_size + c)];
    }
    double score = static_cast<double>(s.scale) * dot;
    if (in.distance_bias.data != nullptr) {
      score += static_cast<double>(in.distance_bias.row(h)[j - i + s.queries - 1]);
    }
    if (in.key_mask.data != nullptr) score += static_cast<double>(in.key_mask.row(b)[j]);
    most = std::max(most, p[static_cast<size_t>(j)] = score);
  }
  std::vector<double> row(static_cast<size_t>(s.value_size));
  double sum = 0;
  for (int64_t j = 0; j < seen && std::isfinite(most); ++j) {
    const double weight = std::exp(p[static_cast<size_t>(j)] - most);
    sum += weight;
    for (size_t c = 0; c < row.size(); ++c) {
      row[c] += weight * keys.v[static_cast<size_t>(j) * row.size() + c];
    }
  }
  for (double& x : row) x /= sum > 0 ? sum : 1;
  return row;
}

/// Those rows one after another, [rows, value_size].
inline std::vector<double> reference_rows(const AttentionShape& s, const AttentionInput& in,
                                          const ReferenceKeys& keys, int64_t b, int64_t h,
                                          std::span<const int64_t> rows) {
  std::vector<double> all;
  for (const int64_t i : rows) {
    const std::vector<double> row = reference_row(s, in, keys, b, h, i);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

}  // namespace linformer
