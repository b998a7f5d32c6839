// SPDX-License-Identifier: MIT
#include "base/random.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "catch.h"

namespace linformer {
namespace {

using Block = std::array<uint32_t, 4>;

std::vector<uint32_t> draws(const RandomStream& stream, size_t count) {
  Random random(stream);
  std::vector<uint32_t> values(count);
  std::generate(values.begin(), values.end(), [&] { return random.bits(); });
  return values;
}

// Known answers of Random123 (kat_vectors, philox4x32 10).
TEST_CASE("Philox gives the known answers of its authors") {
  constexpr uint32_t kOnes = 0xffffffff;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is Philox over block number, purpose and index under the seed") {
  const RandomStream stream{.seed = 0x1111111122222222, .purpose = 5, .index = 0x3333333344444444};
  const std::vector<uint32_t> ours = draws(stream, 8);
  for (uint32_t block = 0; block < 2; ++block) {
    const Block truth = philox({block, 5, 0x44444444, 0x33333333}, {0x22222222, 0x11111111});
    CHECK(std::equal(truth.begin(), truth.end(), ours.begin() + 4 * block));
  }
}

TEST_CASE("a stream repeats itself") {
  const RandomStream stream{.seed = 3, .purpose = 1, .index = 2};
  CHECK(draws(stream, 1000) == draws(stream, 1000));
}

TEST_CASE("streams that differ in one number only share no draws") {
  const RandomStream streams[] = {{3, 1, 2},
                                  {4, 1, 2},
                                  {3 + (uint64_t{1} << 32), 1, 2},
                                  {3, 2, 2},
                                  {3, 1, 3},
                                  {2, 1, 3},
                                  {3, 1, 2 + (uint64_t{1} << 32)},
                                  {1, 3, 2},
                                  {uint64_t{3} << 32, 1, 2}};
  std::set<uint32_t> seen;
  for (const RandomStream& stream : streams) {
    for (const uint32_t value : draws(stream, 100)) seen.insert(value);
  }
  // 900 draws of 32 bits: a repetition by chance has probability 1e-4.
  CHECK(seen.size() == 900);
}

TEST_CASE("neighbouring streams are not correlated") {
  constexpr int kCount = 20000;
  Random a({.seed = 1, .purpose = 0, .index = 0}), b({.seed = 1, .purpose = 0, .index = 1});
  double sum = 0;
  for (int i = 0; i < kCount; ++i) sum += static_cast<double>(a.normal()) * static_cast<double>(b.normal());
  CHECK(std::abs(sum / kCount) < 4 / std::sqrt(double{kCount}));
}

TEST_CASE("numbers below a bound stay below it and reach every value") {
  Random random({.seed = 9, .purpose = 0, .index = 0});
  for (const uint32_t bound : {1u, 2u, 3u, 7u, 10u}) {
    INFO(bound);
    std::vector<int> counts(bound);
    for (int i = 0; i < 10000; ++i) {
      const uint32_t value = random.below(bound);
      REQUIRE(value < bound);
      ++counts[value];
    }
    const double expected = 10000.0 / bound;
    for (const int count : counts) CHECK(std::abs(count - expected) < 5 * std::sqrt(expected));
  }
}

// Without rejection, or with a remainder, some values of this bound are twice as likely as others.
TEST_CASE("numbers below a large bound are not biased") {
  constexpr uint32_t kBound = 3u << 30;
  constexpr int kCount = 30000;
  Random random({.seed = 9, .purpose = 0, .index = 1});
  int residues[3] = {}, thirds[3] = {};
  for (int i = 0; i < kCount; ++i) {
    const uint32_t value = random.below(kBound);
    ++residues[value % 3];
    ++thirds[value >> 30];
  }
  for (int i = 0; i < 3; ++i) {
    CHECK(residues[i] == Approx(kCount / 3).margin(400));
    CHECK(thirds[i] == Approx(kCount / 3).margin(400));
  }
}

TEST_CASE("uniform numbers are multiples of 2^-24 above 0, at most 1, with the right moments") {
  Random random({.seed = 5, .purpose = 0, .index = 0});
  constexpr int kCount = 100000;
  double sum = 0, squares = 0;
  int outside = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.uniform();
    const double steps = x * 0x1p24;
    outside += !(steps >= 1 && x <= 1 && steps == std::floor(steps));
    sum += x, squares += x * x;
  }
  CHECK(outside == 0);
  CHECK(sum / kCount == Approx(0.5).margin(0.005));
  CHECK(squares / kCount == Approx(1.0 / 3).margin(0.005));
}

TEST_CASE("uniform numbers are the upper 24 bits of the draws plus one step") {
  const RandomStream stream{.seed = 6, .purpose = 0, .index = 0};
  Random random(stream);
  for (const uint32_t bits : draws(stream, 100)) {
    CHECK(static_cast<double>(random.uniform()) == ((bits >> 8) + 1) * 0x1p-24);
  }
}

TEST_CASE("normal numbers have the moments of the standard normal distribution") {
  Random random({.seed = 7, .purpose = 0, .index = 0});
  constexpr int kCount = 200000;
  double mean = 0, variance = 0, third = 0, fourth = 0, neighbours = 0, last = 0;
  int within_one = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.normal();
    mean += x / kCount, variance += x * x / kCount, third += x * x * x / kCount;
    fourth += x * x * x * x / kCount, neighbours += x * last / kCount;
    within_one += std::abs(x) < 1;
    last = x;
  }
  CHECK(mean == Approx(0).margin(0.01));
  CHECK(variance == Approx(1).margin(0.015));
  CHECK(third == Approx(0).margin(0.05));
  CHECK(fourth == Approx(3).margin(0.1));
  CHECK(neighbours == Approx(0).margin(0.01));
  CHECK(static_cast<double>(within_one) / kCount == Approx(0.6827).margin(0.005));
}

}  // namespace
}  // namespace linformer
