// SPDX-License-Identifier: MIT
// Heads with queries and keys, and their P by plain loops in f64.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "base/memory.h"
#include "matrices.h"
#include "spectrum/attention_operator.h"

namespace linformer::testing {

struct QueryKeyHead {
  Matrix q, k;
  float scale;
  bool causal;
  std::vector<float> bias = {};  ///< by distance; empty: none

  AttentionOperator::Head view() const {
    return {q.view(), k.view(), scale, causal, bias.empty() ? nullptr : bias.data()};
  }
};

inline Matrix normal_matrix(int64_t rows, int64_t cols, double deviation, uint64_t seed) {
  Random random({.seed = seed, .purpose = 79, .index = 0});
  return fill(rows, cols, [&](int64_t, int64_t) { return deviation * static_cast<double>(random.normal()); });
}

/// Scores of about this standard deviation.
inline QueryKeyHead gaussian_head(int64_t queries, int64_t keys, int64_t d, double deviation, bool causal,
                                  uint64_t seed) {
  return {normal_matrix(queries, d, deviation, seed), normal_matrix(keys, d, 1, seed + 1),
          static_cast<float>(1 / std::sqrt(static_cast<double>(d))), causal};
}

/// With a bias that falls with the distance and differs on the two sides.
inline QueryKeyHead biased(QueryKeyHead head) {
  const int64_t queries = head.q.rows, keys = head.k.rows;
  for (int64_t i = 0; i < queries + keys - 1; ++i) {
    const auto distance = static_cast<double>(i - queries + 1);
    head.bias.push_back(static_cast<float>(3 - std::sqrt(std::abs(distance)) + (distance > 0 ? 0.7 : 0)));
  }
  return head;
}

/// Position i attends around position i: queries and keys are points of a spiral, with some noise.
inline QueryKeyHead local_head(int64_t n, int64_t d, double sharpness, double noise, uint64_t seed) {
  QueryKeyHead head{normal_matrix(n, d, noise, seed), normal_matrix(n, d, noise, seed + 1),
                    static_cast<float>(sharpness), false};
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c + 1 < d; c += 2) {
      const double angle = static_cast<double>(i) * std::pow(0.5, static_cast<double>(c) / 2);
      for (Matrix* m : {&head.q, &head.k}) {
        m->at(i, c) += static_cast<float>(std::cos(angle));
        m->at(i, c + 1) += static_cast<float>(std::sin(angle));
      }
    }
  }
  return head;
}

/// P, row-major [queries, keys].
inline std::vector<double> dense(const QueryKeyHead& head) {
  const int64_t queries = head.q.rows, keys = head.k.rows;
  std::vector<double> p(static_cast<size_t>(queries * keys));
  for (int64_t i = 0; i < queries; ++i) {
    double* const row = p.data() + i * keys;
    const int64_t seen = head.causal ? std::min(keys, i + 1) : keys;
    double sum = 0, most = -1e300;
    for (int64_t j = 0; j < seen; ++j) {
      double score = 0;
      for (int64_t c = 0; c < head.q.cols; ++c)
        score += static_cast<double>(head.q.at(i, c)) * static_cast<double>(head.k.at(j, c));
      row[j] = score * static_cast<double>(head.scale);
      if (!head.bias.empty())
        row[j] += static_cast<double>(head.bias[static_cast<size_t>(j - i + queries - 1)]);
      most = std::max(most, row[j]);
    }
    for (int64_t j = 0; j < seen; ++j) sum += row[j] = std::exp(row[j] - most);
    for (int64_t j = 0; j < seen; ++j) row[j] /= sum;
  }
  return p;
}

}  // namespace linformer::testing
