// SPDX-License-Identifier: MIT
#include "attention/nystrom_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attention/exact_reference.h"
#include "attention/slot_projection.h"
#include "base/index.h"

namespace linformer {
namespace {

struct Matrix {
  int64_t rows, cols;
  std::vector<double> values;

  Matrix(int64_t r, int64_t c) : rows(r), cols(c), values(index(r * c)) {}
  double* row(int64_t i) { return values.data() + i * cols; }
  const double* row(int64_t i) const { return values.data() + i * cols; }
  MatrixView<const double> view() const { return {values.data(), rows, cols, cols}; }
  double largest() const {
    double most = 0;
    for (const double x : values) most = std::max(most, std::abs(x));
    return most;
  }
};

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows, b.cols);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t l = 0; l < b.rows; ++l) {
      for (int64_t j = 0; j < b.cols; ++j) c.row(i)[j] += a.row(i)[l] * b.row(l)[j];
    }
  }
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix t(a.cols, a.rows);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.cols; ++j) t.row(j)[i] = a.row(i)[j];
  return t;
}

Matrix segment_means(MatrixView<const float> x, int64_t m) {
  const SlotWeights segments{.kind = SlotWeights::Kind::kMeanPooling, .k = m, .n = x.rows};
  Matrix means(m, x.cols);
  for (int64_t i = 0; i < m; ++i) {
    const Window segment = window_of(segments, x.cols, i);
    for (int64_t j = segment.begin; j < segment.end; ++j) {
      for (int64_t c = 0; c < x.cols; ++c) means.row(i)[c] += static_cast<double>(x.row(j)[c]);
    }
    for (int64_t c = 0; c < x.cols; ++c) means.row(i)[c] /= static_cast<double>(segment.end - segment.begin);
  }
  return means;
}

// softmax(scale · a bᵀ); T: of b.
template <class T>
Matrix attention_of(const Matrix& a, MatrixView<const T> b, double scale, double& largest_score) {
  Matrix p(a.rows, b.rows);
  for (int64_t i = 0; i < p.rows; ++i) {
    double most = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t j = 0; j < p.cols; ++j) {
      double dot = 0;
      for (int64_t c = 0; c < a.cols; ++c) dot += a.row(i)[c] * static_cast<double>(b.row(j)[c]);
      largest_score = std::max(largest_score, std::abs(scale * dot));
      most = std::max(most, p.row(i)[j] = scale * dot);
    }
    for (int64_t j = 0; j < p.cols; ++j) sum += p.row(i)[j] = std::exp(p.row(i)[j] - most);
    for (int64_t j = 0; j < p.cols; ++j) p.row(i)[j] /= sum;
  }
  return p;
}

double largest_row_sum(const Matrix& a) {
  double most = 0;
  for (int64_t i = 0; i < a.rows; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < a.cols; ++j) sum += std::abs(a.row(i)[j]);
    most = std::max(most, sum);
  }
  return most;
}

Matrix iterated_inverse(const Matrix& a, int64_t iterations) {
  const auto from_identity = [](double c, Matrix x) {
    for (double& value : x.values) value = -value;
    for (int64_t i = 0; i < x.rows; ++i) x.row(i)[i] += c;
    return x;
  };
  Matrix z = transposed(a);
  const double norms = largest_row_sum(a) * largest_row_sum(z);
  for (double& x : z.values) x /= norms;
  for (int64_t i = 0; i < iterations; ++i) {
    const Matrix az = product(a, z);
    z = product(z, from_identity(13, product(az, from_identity(15, product(az, from_identity(7, az))))));
    for (double& x : z.values) x /= 4;
  }
  return z;
}

// Rotates rows i and j of both until they are orthogonal in `a`; false if they are.
bool rotate(Matrix& a, Matrix& v, int64_t i, int64_t j) {
  constexpr double kOrthogonal = 1e-15;
  double ii = 0, jj = 0, ij = 0;
  for (int64_t c = 0; c < a.cols; ++c) {
    ii += a.row(i)[c] * a.row(i)[c], jj += a.row(j)[c] * a.row(j)[c], ij += a.row(i)[c] * a.row(j)[c];
  }
  if (std::abs(ij) <= kOrthogonal * std::sqrt(ii * jj)) return false;
  const double ratio = (jj - ii) / (2 * ij);
  const double t = std::copysign(1 / (std::abs(ratio) + std::sqrt(ratio * ratio + 1)), ratio),
               cosine = 1 / std::sqrt(t * t + 1), sine = t * cosine;
  for (Matrix* const m : {&a, &v}) {
    for (int64_t c = 0; c < m->cols; ++c) {
      const double x = m->row(i)[c], y = m->row(j)[c];
      m->row(i)[c] = cosine * x - sine * y, m->row(j)[c] = sine * x + cosine * y;
    }
  }
  return true;
}

// By one-sided Jacobi rotations: with V A₀ᵀ = B of orthogonal rows, A₀⁺ = Σ vᵢ bᵢᵀ / |bᵢ|².
Matrix exact_inverse(const Matrix& a) {
  constexpr int kSweeps = 40;
  const int64_t m = a.rows;
  Matrix b = transposed(a), v(m, m), inverse(m, m);
  for (int64_t i = 0; i < m; ++i) v.row(i)[i] = 1;
  bool rotated = true;
  for (int sweep = 0; sweep < kSweeps && rotated; ++sweep) {
    rotated = false;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = i + 1; j < m; ++j) rotated |= rotate(b, v, i, j);
  }
  std::vector<double> squares;
  for (int64_t i = 0; i < m; ++i) {
    double square = 0;
    for (int64_t c = 0; c < m; ++c) square += b.row(i)[c] * b.row(i)[c];
    squares.push_back(square);
  }
  const double least = std::pow(static_cast<double>(m) * 0x1p-23, 2) * *std::ranges::max_element(squares);
  for (int64_t i = 0; i < m; ++i) {
    if (squares[index(i)] <= least) continue;
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t c = 0; c < m; ++c) inverse.row(r)[c] += v.row(i)[r] * b.row(i)[c] / squares[index(i)];
    }
  }
  return inverse;
}

}  // namespace

ReferenceRows nystrom_reference(const NystromOptions& options, const AttentionShape& s,
                                const AttentionInput& in, int64_t b, int64_t h,
                                std::span<const int64_t> rows) {
  const int64_t kv = h / (s.heads / in.k.heads);
  const auto scale = static_cast<double>(s.scale);
  double largest_score = 0;
  const Matrix queries = segment_means(in.q.matrix(b, h), options.landmarks),
               keys = segment_means(in.k.matrix(b, kv), options.landmarks);
  const Matrix among = attention_of(queries, keys.view(), scale, largest_score);
  const Matrix inverse = options.inverse == NystromOptions::Inverse::kExact
                             ? exact_inverse(among)
                             : iterated_inverse(among, options.iterations);
  const MatrixView<const float> v = in.v.matrix(b, kv);
  Matrix values(v.rows, v.cols);
  for (int64_t j = 0; j < v.rows; ++j) std::copy_n(v.row(j), v.cols, values.row(j));
  const Matrix of_landmarks =
      product(attention_of(queries, in.k.matrix(b, kv), scale, largest_score), values);
  const Matrix mixed = product(inverse, of_landmarks);
  ReferenceRows all = reference_rows<double>(s, in, keys.view(), mixed.view(), b, h, rows);
  all.largest_score = std::max(all.largest_score, largest_score);
  double most = 0;
  for (const double o : all.o) most = std::max(most, std::abs(o));
  const double passed = largest_row_sum(inverse) * of_landmarks.largest() + mixed.largest();
  if (most > 0) all.amplification = std::max(1.0, passed / most);
  return all;
}

}  // namespace linformer
