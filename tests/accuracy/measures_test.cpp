// SPDX-License-Identifier: MIT
#include "accuracy/measures.h"

#include <cmath>
#include <limits>

#include "catch.h"
#include "spectrum/matrices.h"

namespace linformer {
namespace {

using testing::fill;
using testing::Matrix;

}  // namespace

TEST_CASE("the output error is relative, and the skill is measured from the mean of V") {
  const Matrix v = fill(2, 1, [](int64_t i, int64_t) { return i == 0 ? 1 : 3; });  // mean 2
  const Matrix exact = fill(2, 1, [](int64_t i, int64_t) { return i == 0 ? 1 : 3; });
  const Matrix other = fill(2, 1, [](int64_t i, int64_t) { return i == 0 ? 1 : 4; });
  const HeadErrors errors = head_errors(exact.view(), other.view(), v.view(), false);
  CHECK(errors.output_error == Approx(std::sqrt(1.0 / 10)));
  CHECK(errors.skill == Approx(0.5));
  CHECK(head_errors(exact.view(), exact.view(), v.view(), false).output_error == 0);
  CHECK(head_errors(exact.view(), exact.view(), v.view(), false).skill == 1);
  const Matrix mean = fill(2, 1, [](int64_t, int64_t) { return 2; });
  CHECK(head_errors(exact.view(), mean.view(), v.view(), false).skill == Approx(0).margin(1e-15));
}

TEST_CASE("where the head itself answers with the mean of V there is nothing to gain") {
  const Matrix v = fill(3, 2, [](int64_t i, int64_t) { return i; });
  const Matrix exact = fill(3, 2, [](int64_t, int64_t) { return 1; });
  const Matrix zero = fill(3, 2, [](int64_t, int64_t) { return 0; });
  CHECK(head_errors(exact.view(), exact.view(), v.view(), false).skill == 0);
  CHECK(head_errors(zero.view(), exact.view(), zero.view(), false).output_error == Approx(std::sqrt(6)));
}

TEST_CASE("the skill of a causal head is measured from the means of the V that its queries see") {
  const Matrix v = fill(3, 1, [](int64_t i, int64_t) { return 3 * i; });  // means 0, 1.5, 3
  MeanValues means(v.view(), true);
  for (const double mean : {0.0, 1.5, 3.0}) CHECK(means.next() == std::vector<double>{mean});
  const Matrix exact = fill(3, 1, [](int64_t i, int64_t) { return i; });  // 0.5 and 1 from these
  const Matrix other = fill(3, 1, [](int64_t i, int64_t) { return i == 2 ? 2.5 : static_cast<double>(i); });
  CHECK(head_errors(exact.view(), other.view(), v.view(), true).skill == Approx(1 - 0.25 / 1.25));
}

TEST_CASE("the divergence is that of Kullback and Leibler, row by row") {
  const Matrix p = fill(2, 2, [](int64_t i, int64_t j) { return i == 0 ? 0.5 : j == 0 ? 1 : 0; });
  const Matrix uniform = fill(2, 2, [](int64_t, int64_t) { return 0.5; });
  CHECK(mean_divergence(p.view(), p.view()) == 0);
  CHECK(mean_divergence(p.view(), uniform.view()) == Approx(std::log(2.0) / 2));
  CHECK(mean_divergence(uniform.view(), p.view()) == std::numeric_limits<double>::infinity());
}

TEST_CASE("the relative error of two matrices is that of their difference") {
  const Matrix a = fill(2, 2, [](int64_t, int64_t) { return 3; });
  const Matrix b = fill(2, 2, [](int64_t, int64_t) { return 2; });
  CHECK(relative_error(a.view(), b.view()) == Approx(0.5));
  CHECK(relative_error(b.view(), b.view()) == 0);
}

}  // namespace linformer
