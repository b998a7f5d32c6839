// SPDX-License-Identifier: MIT
#include "base/student_t.h"

#include <cmath>

#include "base/error.h"
#include "catch.h"

namespace linformer {

TEST_CASE("Student t quantiles agree with closed forms") {
  const double pi = std::acos(-1.0);
  for (const double p : {0.5, 0.6, 0.75, 0.9, 0.95, 0.975, 0.995, 0.9995, 0.999995}) {
    const double a = 4 * p * (1 - p);
    const double s = std::sqrt(a);
    CHECK(student_t_quantile(p, 1) == Approx(std::tan(pi * (p - 0.5))).epsilon(1e-9).margin(1e-12));
    CHECK(student_t_quantile(p, 2) == Approx((2 * p - 1) * std::sqrt(2 / a)).epsilon(1e-9).margin(1e-12));
    const double q = std::cos(std::acos(s) / 3) / s;
    CHECK(student_t_quantile(p, 4) == Approx(2 * std::sqrt(q - 1)).epsilon(1e-9).margin(1e-7));
    CHECK(student_t_quantile(1 - p, 4) == Approx(-student_t_quantile(p, 4)).epsilon(1e-9).margin(1e-12));
  }
}

TEST_CASE("Student t quantiles agree with printed tables and tend to the normal") {
  CHECK(student_t_quantile(0.975, 3) == Approx(3.182446305).epsilon(1e-8));
  CHECK(student_t_quantile(0.975, 5) == Approx(2.570581836).epsilon(1e-8));
  CHECK(student_t_quantile(0.975, 10) == Approx(2.228138852).epsilon(1e-8));
  CHECK(student_t_quantile(0.975, 19) == Approx(2.093024054).epsilon(1e-8));
  CHECK(student_t_quantile(0.95, 30) == Approx(1.697260887).epsilon(1e-8));
  CHECK(student_t_quantile(0.995, 120) == Approx(2.617421145).epsilon(1e-8));
  CHECK(student_t_quantile(0.975, 1e7) == Approx(1.959963985).epsilon(1e-6));
  CHECK_THROWS_AS(student_t_quantile(1, 3), Error);
  CHECK_THROWS_AS(student_t_quantile(0.9, 0), Error);
}

}  // namespace linformer
