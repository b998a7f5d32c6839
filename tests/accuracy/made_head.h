// SPDX-License-Identifier: MIT
// Heads with made-up Q, K and V, and what f64 loops make of them.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "accuracy/replacement.h"
#include "base/random.h"
#include "spectrum/matrices.h"

namespace linformer::testing {

using Numbers = std::vector<std::vector<double>>;  // [rows][cols]

inline Numbers numbers(MatrixView<const float> m) {
  Numbers all;
  for (int64_t i = 0; i < m.rows; ++i) all.emplace_back(m.row(i), m.row(i) + m.cols);
  return all;
}

inline Numbers product(const Numbers& a, const Numbers& b) {
  Numbers c(a.size(), std::vector<double>(b[0].size()));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t l = 0; l < b.size(); ++l)
      for (size_t j = 0; j < b[0].size(); ++j) c[i][j] += a[i][l] * b[l][j];
  return c;
}

inline Numbers transposed(const Numbers& a) {
  Numbers t(a[0].size(), std::vector<double>(a.size()));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a[0].size(); ++j) t[j][i] = a[i][j];
  return t;
}

inline double squared_distance(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a[0].size(); ++j) sum += (a[i][j] - b[i][j]) * (a[i][j] - b[i][j]);
  return sum;
}

inline double squared_norm(const Numbers& a) {
  return squared_distance(a, Numbers(a.size(), std::vector<double>(a[0].size())));
}

/// softmax(scale · Q Kᵀ).
inline Numbers softmax_of(const Numbers& q, const Numbers& k, double scale) {
  Numbers p = product(q, transposed(k));
  for (std::vector<double>& row : p) {
    double sum = 0;
    for (double& x : row) sum += x = std::exp(scale * x);
    for (double& x : row) x /= sum;
  }
  return p;
}

/// All eigenvectors of AᵀA as rows, the largest eigenvalue first: cyclic Jacobi rotations.
inline Numbers right_vectors(const Numbers& a) {
  Numbers g = product(transposed(a), a);
  const size_t n = g.size();
  Numbers v(n, std::vector<double>(n));
  for (size_t i = 0; i < n; ++i) v[i][i] = 1;
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        if (std::abs(g[p][q]) < 1e-300) continue;
        const double theta = (g[q][q] - g[p][p]) / (2 * g[p][q]);
        const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (size_t i = 0; i < n; ++i) {
          const double x = g[i][p], y = g[i][q];
          g[i][p] = c * x - s * y, g[i][q] = s * x + c * y;
        }
        for (size_t i = 0; i < n; ++i) {
          const double x = g[p][i], y = g[q][i];
          g[p][i] = c * x - s * y, g[q][i] = s * x + c * y;
          const double a_p = v[p][i], a_q = v[q][i];
          v[p][i] = c * a_p - s * a_q, v[q][i] = s * a_p + c * a_q;
        }
      }
    }
  }
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = 0; i < n; ++i) order.emplace_back(-g[i][i], i);
  std::sort(order.begin(), order.end());
  Numbers sorted;
  for (const auto& [value, i] : order) sorted.push_back(v[i]);
  return sorted;
}

/// A · Π, Π on the first k of these vectors.
inline Numbers projected(const Numbers& a, const Numbers& vectors, int64_t k) {
  const Numbers first(vectors.begin(), vectors.begin() + k);
  return product(product(a, transposed(first)), first);
}

inline Matrix gaussian(int64_t rows, int64_t cols, double deviation, uint64_t seed) {
  Random random({.seed = seed, .purpose = 79, .index = 0});
  return fill(rows, cols, [&](int64_t, int64_t) { return deviation * static_cast<double>(random.normal()); });
}

/// A head whose logits have a standard deviation of about `sharpness`.
struct MadeHead {
  Matrix q, k, v, p;
  float scale;

  MadeHead(int64_t n, int64_t d, double sharpness, uint64_t seed)
      : q(gaussian(n, d, sharpness, 3 * seed)),
        k(gaussian(n, d, 1, 3 * seed + 1)),
        v(gaussian(n, d, 1, 3 * seed + 2)),
        p(n, n),
        scale(1 / std::sqrt(static_cast<float>(d))) {
    set_p(softmax_of(numbers(q.view()), numbers(k.view()), static_cast<double>(scale)));
  }
  void set_p(const Numbers& values) {
    for (int64_t i = 0; i < p.rows; ++i)
      for (int64_t j = 0; j < p.cols; ++j)
        p.at(i, j) = static_cast<float>(values[static_cast<size_t>(i)][static_cast<size_t>(j)]);
  }
  HeadInput input(int64_t layer = 0, int64_t head = 0) const {
    return {.layer = layer,
            .head = head,
            .q = q.view(),
            .k = k.view(),
            .v = v.view(),
            .p = p.view(),
            .scale = scale};
  }
  Numbers exact() const { return product(numbers(p.view()), numbers(v.view())); }
};

/// What a replacement gave: Ô, and P̂ if it has one, for each k.
struct Given {
  std::vector<Numbers> o, p;
};

/// A replacement, and what it computes in.
struct Trial {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  HeadWorkspace workspace{memory};
  std::unique_ptr<Replacement> replacement;

  Trial(const std::string& specification, const std::vector<int64_t>& ks, int64_t n, int64_t d,
        int64_t layers = 1, int64_t heads = 1)
      : replacement(make_replacement(specification, ks,
                                     {.layers = layers,
                                      .heads = heads,
                                      .length = n,
                                      .head_size = d,
                                      .scale = 1 / std::sqrt(static_cast<float>(d))},
                                     run)) {}

  /// Sequences of one layer's only head.
  void learn_from(const std::vector<const MadeHead*>& heads) {
    for (const MadeHead* head : heads) replacement->see(head->input(), workspace);
    replacement->learn_layer(0, run);
    replacement->learn_model(run);
  }

  Given apply(const HeadInput& in) {
    Given given;
    replacement->apply(in, replacement->ks(), workspace,
                       [&](size_t i, MatrixView<const float> o, MatrixView<const float> p) {
                         CHECK(i == given.o.size());
                         given.o.push_back(numbers(o));
                         if (p.data != nullptr) given.p.push_back(numbers(p));
                       });
    return given;
  }
};

inline double relative_distance(const Numbers& a, const Numbers& b) {
  return std::sqrt(squared_distance(a, b) / squared_norm(b));
}

}  // namespace linformer::testing
