// SPDX-License-Identifier: MIT
#include "base/exact_sum.h"

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "catch.h"

namespace linformer {
namespace {

ExactSum sum_of(const std::vector<double>& values) {
  ExactSum sum;
  for (const double value : values) sum.add(value);
  return sum;
}

// Values of both signs from 1e-9 to 1e6, whose sum in f64 depends on the order.
std::vector<double> mixed_values() {
  Random random({.seed = 1, .purpose = 0, .index = 0});
  std::vector<double> values(5000);
  for (double& value : values) {
    value = static_cast<double>(random.normal()) * std::pow(10.0, static_cast<int>(random.below(16)) - 9);
  }
  return values;
}

TEST_CASE("an exact sum does not depend on the order, to the bit") {
  std::vector<double> values = mixed_values();
  const ExactSum forward = sum_of(values);
  std::reverse(values.begin(), values.end());
  CHECK(sum_of(values) == forward);
  std::sort(values.begin(), values.end());
  CHECK(sum_of(values) == forward);
  CHECK(sum_of(values).value() == forward.value());
  double plain_up = 0, plain_down = 0;
  for (const double value : values) plain_up += value;
  std::reverse(values.begin(), values.end());
  for (const double value : values) plain_down += value;
  CHECK(plain_up != plain_down);  // else this test shows nothing
  CHECK(forward.value() == Approx(plain_up).epsilon(1e-10));
}

TEST_CASE("an exact sum does not depend on the grouping") {
  const std::vector<double> values = mixed_values();
  ExactSum parts[7], joined;
  for (size_t i = 0; i < values.size(); ++i) parts[i * i % 7].add(values[i]);
  for (const ExactSum& part : parts) joined.add(part);
  CHECK(joined == sum_of(values));
}

TEST_CASE("an exact sum of nothing is zero, and joining it changes nothing") {
  CHECK(ExactSum().value() == 0);
  ExactSum sum = sum_of({1.5, -4});
  sum.add(ExactSum());
  CHECK(sum.value() == -2.5);
}

TEST_CASE("negative values cancel exactly") {
  CHECK(sum_of({1e6, 0x1p-40, -1e6}).value() == 0x1p-40);
  CHECK(sum_of({-3.25}).value() == -3.25);
  CHECK(sum_of({-0x1p31, -0x1p31}).value() == -0x1p32);
  CHECK(sum_of({0.1, -0.1}).value() == 0);
}

TEST_CASE("many small values are not lost beside a large one") {
  ExactSum sum;
  sum.add(0x1p31);
  for (int i = 0; i < 1 << 20; ++i) sum.add(0x1p-50);
  CHECK(sum.value() == 0x1p31);  // the nearest f64
  sum.add(-0x1p31);
  CHECK(sum.value() == 0x1p-30);
}

TEST_CASE("large values have room for many terms") {
  ExactSum sum;
  for (int i = 0; i < 1 << 16; ++i) sum.add(4294967295.0);
  CHECK(sum.value() == 65536 * 4294967295.0);
}

TEST_CASE("the resolution is 2^-60") {
  CHECK(sum_of({0x1p-60}).value() == 0x1p-60);
  CHECK(std::abs(sum_of({0x1p-61}).value()) <= 0x1p-60);
}

}  // namespace
}  // namespace linformer
