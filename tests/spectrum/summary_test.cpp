// SPDX-License-Identifier: MIT
#include "spectrum/summary.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "catch.h"

using namespace linformer;

TEST_CASE("quantiles interpolate between order statistics as type 7 does") {
  const std::vector<double> x = {1, 2, 4, 8};
  CHECK(quantile(x, 0) == 1);
  CHECK(quantile(x, 1) == 8);
  CHECK(quantile(x, 0.5) == 3);
  CHECK(quantile(x, 0.95) == Approx(7.4));
  CHECK(quantile(std::vector<double>{5}, 0.95) == 5);
  const Summary s = summarise(std::vector<double>{8, 1, 4, 2});
  CHECK(s.mean == 3.75);
  CHECK(s.median == 3);
  CHECK(s.p95 == Approx(7.4));
  CHECK(s.max == 8);
}

TEST_CASE("no values have no mean, no quantile and no maximum") {
  const Summary none = summarise({});
  for (const double number : {none.mean, none.median, none.p95, none.max}) CHECK(std::isnan(number));
  CHECK_FALSE(none.interval);
}

TEST_CASE("an interval needs five units and is the textbook one") {
  CHECK_FALSE(mean_interval(std::vector<double>{1, 2, 3, 4}, 0.95));
  const auto interval = mean_interval(std::vector<double>{1, 2, 3, 4, 5}, 0.95);
  REQUIRE(interval);
  const double half = 2.7764451052 * std::sqrt(2.5 / 5);
  CHECK(interval->low == Approx(3 - half).epsilon(1e-8));
  CHECK(interval->high == Approx(3 + half).epsilon(1e-8));
  const auto point = mean_interval(std::vector<double>(6, 0.25), 0.95);
  CHECK(point->low == Approx(0.25));
  CHECK(point->high == Approx(0.25));
}

TEST_CASE("the 90 % interval covers the mean in about 90 % of normal samples") {
  Random random({.seed = 4, .purpose = 2, .index = 0});
  int covered = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::vector<double> x(6);
    for (double& value : x) value = static_cast<double>(random.normal());
    const auto interval = mean_interval(x, 0.9);
    covered += interval->low <= 0 && 0 <= interval->high;
  }
  CHECK(covered > 3510);
  CHECK(covered < 3690);
}

TEST_CASE("five documents are the units, whatever their numbers and order") {
  const std::vector<int64_t> documents = {70, 70, 3, 9, 3, -1, 12, 70};
  const Units units = assign_units(documents);
  CHECK(units.documents);
  CHECK(units.count == 5);
  CHECK(units.unit == std::vector<int64_t>{0, 0, 1, 2, 1, 3, 4, 0});
  const std::vector<double> values = {1, 2, 10, 5, 20, 7, 8, 6};
  CHECK(unit_means(values, units) == std::vector<double>{3, 15, 5, 7, 8});
}

TEST_CASE("fewer documents give up to twenty contiguous blocks") {
  const Units few = assign_units(std::vector<int64_t>{0, 0, 1});
  CHECK_FALSE(few.documents);
  CHECK(few.count == 3);
  CHECK(few.unit == std::vector<int64_t>{0, 1, 2});
  const Units many = assign_units(std::vector<int64_t>(47, 5));
  CHECK(many.count == 20);
  std::vector<int> sizes(20);
  for (size_t i = 0; i < many.unit.size(); ++i) {
    ++sizes[static_cast<size_t>(many.unit[i])];
    if (i > 0) CHECK((many.unit[i] - many.unit[i - 1] == 0 || many.unit[i] - many.unit[i - 1] == 1));
  }
  CHECK(std::accumulate(sizes.begin(), sizes.end(), 0) == 47);
  for (const int size : sizes) CHECK((size == 2 || size == 3));
  CHECK(assign_units({}).count == 0);
}
