// SPDX-License-Identifier: MIT
#include "report/failed_checks.h"

#include <cmath>

#include "catch.h"
#include "io/error_of.h"
#include "report/made_result.h"

namespace linformer {
namespace {

TEST_CASE("nothing is said of checks that passed") { CHECK(failed_checks(made_result().checks).empty()); }

TEST_CASE("a failed check is named with what was found and what is allowed, and no other") {
  SpectrumChecks checks = made_result().checks;
  checks.largest_norm_error = 3e-4;
  const std::string norm = failed_checks(checks);
  for (const char* part : {"1 of 3", "sum sigma^2", "3.0e-04", "1e-05"}) CHECK(contains(norm, part));
  CHECK_FALSE(contains(norm, "sigma_1"));

  checks = made_result().checks;
  checks.smallest_sigma1 = 1.25;
  checks.smallest_sigma1_ratio = 0.75;
  const std::string sigma1 = failed_checks(checks);
  for (const char* part : {"1 of 3", "sigma_1", "1.25", "0.75", "0.99999"}) CHECK(contains(sigma1, part));
  CHECK_FALSE(contains(sigma1, "sum sigma^2"));

  checks = made_result().checks;
  checks.largest_verified_error = 5e-6;
  const std::string verified = failed_checks(checks);
  for (const char* part : {"1 of 3", "f64", "5.0e-06", "2e-06"}) CHECK(contains(verified, part));
  CHECK_FALSE(contains(verified, "||P1||"));
}

TEST_CASE("all failed checks are named, and a value that is none is a failure") {
  SpectrumChecks checks = made_result().checks;
  checks.largest_norm_error = checks.largest_verified_error = std::nan("");
  checks.smallest_sigma1_ratio = std::nan("");
  CHECK(contains(failed_checks(checks), "3 of 3 checks failed"));
}

}  // namespace
}  // namespace linformer
