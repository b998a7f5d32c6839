// SPDX-License-Identifier: MIT
#include "theorems/trials.h"

#include <cmath>

#include "catch.h"

namespace linformer {
namespace {

// Attention of n keys that are all alike: every row of P is uniform.
HeadSample uniform_head(int64_t n, int64_t d) {
  const std::vector<float> scores(static_cast<size_t>(n * n), 1.0F);
  std::vector<float> values(static_cast<size_t>(n * d), 1.0F);
  return make_head("uniform", {scores.data(), n, n, n}, {values.data(), n, d, d});
}

}  // namespace

TEST_CASE("The theorems' k follow their formulas, rounded up") {
  CHECK(theorem1_k(512, 0.5) == 250);  // 5 ln(512) / 0.125 = 249.5
  CHECK(theorem1_k(512, 0.1) == 3466);
  // ln(512 · 64) · 5 / 0.125 = 415.9; 9 · 64 · ln(64) / 0.25 is far more.
  CHECK(theorem2_k(512, 64, 0.5) == 416);
  // With d = 2 the other branch is the smaller: 9 · 2 · ln 2 / 0.25 = 49.9.
  CHECK(theorem2_k(512, 2, 0.5) == 50);
}

TEST_CASE("A k that is not below n is vacuous and nothing is tried") {
  const HeadSample head = uniform_head(64, 4);
  const TheoremTrial trial = try_theorem1(head, 0.5, 5, 1);
  CHECK(trial.vacuous());
  CHECK(trial.draws == 0);
  CHECK(trial.promised == Approx(1 - 2 * std::pow(64, -0.25)).margin(0.02));
  CHECK(try_theorem2(head, 0.1, 5, 1).vacuous());
}

TEST_CASE("A head is in f64 what its logits and values say") {
  const std::vector<float> scores = {0, std::log(3.0F), 0, 0};
  const std::vector<float> values = {1, 2, 3, 4};
  const HeadSample head = make_head("two", {scores.data(), 2, 2, 2}, {values.data(), 2, 2, 2});
  CHECK(head.probabilities[0] == Approx(0.25));
  CHECK(head.probabilities[1] == Approx(0.75));
  CHECK(head.probabilities[3] == Approx(0.5));
  CHECK(head.values == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("Theorem 1 holds where w lies along the rows, and its row form holds anyway") {
  // Uniform P and constant V: Pw is as long as it can be.
  const TheoremTrial along = try_theorem1(uniform_head(512, 4), 0.5, 8, 1);
  REQUIRE_FALSE(along.vacuous());
  CHECK(along.kept == 1);
  CHECK(along.rows_kept == 1);
  CHECK(along.median_error > 0.001);
  // Random V is nearly orthogonal to rows that are nearly uniform: the relative form fails.
  const TheoremTrial across = try_theorem1(random_head(512, 16, 1), 0.5, 8, 1);
  CHECK(across.kept == 0);
  CHECK(across.median_error > 0.5);
  CHECK(across.rows_kept > 0.99);
  CHECK(across.rows_kept >= across.promised);
}

TEST_CASE("Theorem 2's own construction gives about the error of an output of zeros") {
  const TheoremTrial trial = try_theorem2(random_head(512, 16, 1), 0.5, 4, 1);
  REQUIRE_FALSE(trial.vacuous());
  CHECK(trial.draws == 4);
  CHECK(trial.zero_error > 0);
  CHECK(trial.median_error > trial.zero_error / 2);
  CHECK(trial.median_error < 3 * trial.zero_error);
  CHECK(trial.kept == 1);
}

TEST_CASE("Trials depend on the seed alone") {
  const HeadSample head = random_head(512, 8, 3);
  CHECK(random_head(512, 8, 3).scores == head.scores);
  CHECK(try_theorem1(head, 0.5, 3, 5).median_error == try_theorem1(head, 0.5, 3, 5).median_error);
  CHECK(try_theorem1(head, 0.5, 3, 5).median_error != try_theorem1(head, 0.5, 3, 6).median_error);
}

}  // namespace linformer
