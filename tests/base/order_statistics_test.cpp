// SPDX-License-Identifier: MIT
#include "base/order_statistics.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "catch.h"

namespace linformer {
namespace {

std::vector<double> up_to(int count) {
  std::vector<double> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

}  // namespace

TEST_CASE("A median has no interval at 95 % below six values, and all of six") {
  for (int count = 0; count < 6; ++count) CHECK_FALSE(median_interval(up_to(count), 0.95));
  const auto six = median_interval(up_to(6), 0.95);
  REQUIRE(six);
  CHECK(six->low == 1);
  CHECK(six->high == 6);
}

TEST_CASE("The order statistics of a median's interval are those of the binomial tables") {
  // The ranks r with P(Binomial(n, 1/2) < r) <= 0.025, as tables of the sign test have them.
  for (const auto& [count, rank] :
       std::vector<std::pair<int, int>>{{8, 1}, {9, 2}, {10, 2}, {20, 6}, {100, 40}}) {
    const auto interval = median_interval(up_to(count), 0.95);
    REQUIRE(interval);
    CHECK(interval->low == rank);
    CHECK(interval->high == count + 1 - rank);
  }
}

TEST_CASE("A wider level gives a wider interval, until there is none") {
  const std::vector<double> values = up_to(12);
  CHECK(median_interval(values, 0.5)->low > median_interval(values, 0.9)->low);
  CHECK_FALSE(median_interval(values, 0.9999));
}

}  // namespace linformer
