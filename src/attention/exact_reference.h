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

/// O's row of query i of head h of sequence b over keys k [keys, d] and values v [keys, value_size] of f32 or
/// f64; zeros where no key is seen.
template <class T>
void add_reference_row(const AttentionShape& s, const AttentionInput& in, MatrixView<const T> k,
                       MatrixView<const T> v, int64_t b, int64_t h, int64_t i, ReferenceRows& rows) {
  const int64_t seen = s.causal ? std::min(k.rows, s.past + i + 1) : k.rows;
  const float* const q = in.q.matrix(b, h).row(i);
  std::vector<double> scores(static_cast<size_t>(seen));
  double most = -std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < seen; ++j) {
    double dot = 0;
    for (int64_t c = 0; c < s.head_size; ++c) {
      dot += static_cast<double>(q[c]) * static_cast<double>(k.row(j)[c]);
    }
    double score = static_cast<double>(s.scale) * dot;
    rows.largest_score = std::max(rows.largest_score, std::abs(score));
    if (in.distance_bias.data != nullptr) {
      score += static_cast<double>(in.distance_bias.row(h)[j - i + s.queries - 1]);
    }
    if (in.key_mask.data != nullptr) score += static_cast<double>(in.key_mask.row(b)[j]);
    most = std::max(most, scores[static_cast<size_t>(j)] = score);
  }
  std::vector<double> row(static_cast<size_t>(s.value_size));
  double sum = 0;
  for (int64_t j = 0; j < seen && std::isfinite(most); ++j) {
    const double weight = std::exp(scores[static_cast<size_t>(j)] - most);
    sum += weight;
    for (size_t c = 0; c < row.size(); ++c) row[c] += weight * static_cast<double>(v.row(j)[c]);
  }
  for (const double x : row) rows.o.push_back(x / (sum > 0 ? sum : 1));
}

/// Those rows one after another.
template <class T>
ReferenceRows reference_rows(const AttentionShape& s, const AttentionInput& in, MatrixView<const T> k,
                             MatrixView<const T> v, int64_t b, int64_t h, std::span<const int64_t> rows) {
  ReferenceRows all;
  for (const int64_t i : rows) add_reference_row(s, in, k, v, b, h, i, all);
  return all;
}

/// Over the keys and values of the input.
inline ReferenceRows reference_rows(const AttentionShape& s, const AttentionInput& in, int64_t b, int64_t h,
                                    std::span<const int64_t> rows) {
  const int64_t kv = h / (s.heads / in.k.heads);
  return reference_rows(s, in, in.k.matrix(b, kv), in.v.matrix(b, kv), b, h, rows);
}

}  // namespace linformer
