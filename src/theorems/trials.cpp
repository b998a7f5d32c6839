// SPDX-License-Identifier: MIT
#include "theorems/trials.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/index.h"
#include "base/order_statistics.h"
#include "base/random.h"

namespace linformer {
namespace {

constexpr uint32_t kProjectionPurpose = 0xe0;
constexpr uint32_t kHeadPurpose = 0xe1;

double jl_factor(double epsilon) { return epsilon * epsilon - epsilon * epsilon * epsilon; }

int64_t rounded_up(double k) { return static_cast<int64_t>(std::ceil(k)); }

double norm(std::span<const double> x) {
  double squares = 0;
  for (const double value : x) squares += value * value;
  return std::sqrt(squares);
}

double dot(std::span<const double> x, std::span<const double> y) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

std::span<const double> row_of(const std::vector<double>& matrix, int64_t cols, int64_t i) {
  return std::span(matrix).subspan(index(i * cols), index(cols));
}

void softmax(std::span<double> row) {
  const double most = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (double& value : row) sum += value = std::exp(value - most);
  for (double& value : row) value /= sum;
}

std::vector<double> normals(int64_t count, double deviation, const RandomStream& stream) {
  Random random(stream);
  std::vector<double> values(index(count));
  for (double& value : values) value = deviation * random.normal();
  return values;
}

// R [k, n] of N(0, 1/k) numbers.
std::vector<double> projection(int64_t k, int64_t n, uint64_t seed, int64_t draw) {
  return normals(k * n, 1 / std::sqrt(static_cast<double>(k)),
                 {.seed = seed, .purpose = kProjectionPurpose, .index = static_cast<uint64_t>(draw)});
}

void fill_probabilities(HeadSample& head) {
  head.probabilities = head.scores;
  for (int64_t i = 0; i < head.n; ++i)
    softmax(std::span(head.probabilities).subspan(index(i * head.n), index(head.n)));
}

std::vector<double> column_of(const HeadSample& head, int64_t j) {
  std::vector<double> column;
  for (int64_t i = 0; i < head.n; ++i) column.push_back(head.values[index(i * head.d + j)]);
  return column;
}

// RᵀR w.
std::vector<double> projected_there_and_back(const std::vector<double>& r, int64_t k,
                                             std::span<const double> w) {
  const auto n = std::ssize(w);
  std::vector<double> back(w.size());
  for (int64_t slot = 0; slot < k; ++slot) {
    const std::span<const double> row = row_of(r, n, slot);
    const double y = dot(row, w);
    for (size_t i = 0; i < back.size(); ++i) back[i] += y * row[i];
  }
  return back;
}

TheoremTrial planned(int theorem, const HeadSample& head, double epsilon, int64_t k, double promised) {
  TheoremTrial trial;
  trial.theorem = theorem;
  trial.head = head.name;
  trial.n = head.n, trial.d = head.d;
  trial.epsilon = epsilon;
  trial.k = k;
  trial.promised = promised;
  return trial;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

double share_within(const std::vector<double>& values, double bound) {
  return static_cast<double>(std::ranges::count_if(values, [=](double value) { return value <= bound; })) /
         static_cast<double>(values.size());
}

// M x of a matrix [rows, cols], transposed: [cols] sums of rows by the weights x.
std::vector<double> weighted_rows(std::span<const double> weights, const std::vector<double>& matrix,
                                  int64_t cols) {
  std::vector<double> sum(index(cols));
  for (size_t i = 0; i < weights.size(); ++i) {
    const std::span<const double> row = row_of(matrix, cols, static_cast<int64_t>(i));
    for (size_t j = 0; j < sum.size(); ++j) sum[j] += weights[i] * row[j];
  }
  return sum;
}

}  // namespace

HeadSample make_head(std::string name, MatrixView<const float> logits, MatrixView<const float> values) {
  HeadSample head{.name = std::move(name),
                  .n = logits.rows,
                  .d = values.cols,
                  .scores = {},
                  .probabilities = {},
                  .values = {}};
  for (int64_t i = 0; i < head.n; ++i) {
    head.scores.insert(head.scores.end(), logits.row(i), logits.row(i) + head.n);
    head.values.insert(head.values.end(), values.row(i), values.row(i) + head.d);
  }
  fill_probabilities(head);
  return head;
}

HeadSample random_head(int64_t n, int64_t d, uint64_t seed) {
  const auto draw = [&](uint64_t which) {
    return normals(n * d, 1, {.seed = seed, .purpose = kHeadPurpose, .index = which});
  };
  const std::vector<double> q = draw(0), k = draw(1);
  HeadSample head{
      .name = "random Q, K, V", .n = n, .d = d, .scores = {}, .probabilities = {}, .values = draw(2)};
  const double scale = 1 / std::sqrt(static_cast<double>(d));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) head.scores.push_back(scale * dot(row_of(q, d, i), row_of(k, d, j)));
  fill_probabilities(head);
  return head;
}

int64_t theorem1_k(int64_t n, double epsilon) {
  return rounded_up(5 * std::log(static_cast<double>(n)) / jl_factor(epsilon));
}

int64_t theorem2_k(int64_t n, int64_t d, double epsilon) {
  const auto width = static_cast<double>(d);
  const double without_n = 9 * width * std::log(width) / (epsilon * epsilon);
  const double with_n = 5 * std::log(static_cast<double>(n) * width) / jl_factor(epsilon);
  return rounded_up(std::min(without_n, with_n));
}

TheoremTrial try_theorem1(const HeadSample& head, double epsilon, int64_t draws, uint64_t seed) {
  const int64_t n = head.n, k = theorem1_k(n, epsilon);
  const double failing =
      2 * static_cast<double>(n) * std::exp(-jl_factor(epsilon) * static_cast<double>(k) / 4);
  TheoremTrial trial = planned(1, head, epsilon, k, std::max(0.0, 1 - failing));
  trial.zero_error = 1;
  if (trial.vacuous()) return trial;
  std::vector<double> errors, row_errors;
  for (int64_t draw = 0; draw < draws; ++draw) {
    const std::vector<double> w = column_of(head, draw % head.d);
    std::vector<double> wrong = projected_there_and_back(projection(k, n, seed, draw), k, w);
    for (size_t i = 0; i < wrong.size(); ++i) wrong[i] -= w[i];
    std::vector<double> exact, off;
    for (int64_t i = 0; i < n; ++i) {
      const std::span<const double> row = row_of(head.probabilities, n, i);
      exact.push_back(dot(row, w));
      off.push_back(dot(row, wrong));
      row_errors.push_back(std::abs(off.back()) / norm(row) / norm(w));
    }
    errors.push_back(norm(off) / norm(exact));
  }
  trial.draws = draws;
  trial.kept = share_within(errors, epsilon);
  trial.rows_kept = share_within(row_errors, epsilon);
  trial.median_error = median_of(errors);
  return trial;
}

TheoremTrial try_theorem2(const HeadSample& head, double epsilon, int64_t draws, uint64_t seed) {
  constexpr int64_t kRows = 16;
  const int64_t n = head.n, k = theorem2_k(n, head.d, epsilon);
  TheoremTrial trial = planned(2, head, epsilon, k, 1);
  if (trial.vacuous()) return trial;
  const double delta = std::exp2(-static_cast<double>(n)), size_of_values = norm(head.values);
  std::vector<double> errors, zero_errors;
  for (int64_t draw = 0; draw < draws; ++draw) {
    const std::vector<double> r = projection(k, n, seed, draw);
    std::vector<double> slots;  // F V [k, d]
    for (int64_t slot = 0; slot < k; ++slot) {
      for (const double value : weighted_rows(row_of(r, n, slot), head.values, head.d))
        slots.push_back(std::exp(-delta) * value);
    }
    for (int64_t i = 0; i < n; i += std::max<int64_t>(1, n / kRows)) {
      std::vector<double> weights;
      for (int64_t slot = 0; slot < k; ++slot)
        weights.push_back(delta * dot(row_of(head.scores, n, i), row_of(r, n, slot)));
      softmax(weights);
      const std::span<const double> p = row_of(head.probabilities, n, i);
      const std::vector<double> exact = weighted_rows(p, head.values, head.d);
      std::vector<double> off = weighted_rows(weights, slots, head.d);
      for (size_t j = 0; j < off.size(); ++j) off[j] -= exact[j];
      const double scale = norm(p) * size_of_values;
      errors.push_back(norm(off) / scale);
      zero_errors.push_back(norm(exact) / scale);
    }
  }
  trial.draws = draws;
  trial.kept = trial.rows_kept = share_within(errors, epsilon);
  trial.median_error = median_of(errors);
  trial.zero_error = median_of(zero_errors);
  return trial;
}

}  // namespace linformer
