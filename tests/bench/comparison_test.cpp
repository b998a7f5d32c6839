// SPDX-License-Identifier: MIT
#include "bench/comparison.h"

#include <algorithm>
#include <vector>

#include "bench/bootstrap.h"
#include "catch.h"

namespace linformer {
namespace {

using Samples = std::vector<double>;

CellResult cell(const char* mechanism, int64_t length, double ns) {
  CellResult result;
  result.cell = {.mechanism = mechanism, .length = length, .batch = 1, .heads = 2, .head_size = 8};
  result.samples_ns.assign(8, ns);
  result.median_ns = ns;
  result.flops = 100 * ns;
  result.state = CellState::kMeasured;
  return result;
}

}  // namespace

TEST_CASE("A ratio is that of medians, above 1 where ours is faster, and exact where nothing scatters") {
  const Ratio ratio = paired_ratio(Samples(7, 10.0), Samples(7, 25.0), 1);
  CHECK(ratio.ratio == 2.5);
  REQUIRE(ratio.interval);
  CHECK(ratio.interval->low == 2.5);
  CHECK(ratio.interval->high == 2.5);
  CHECK_FALSE(paired_ratio(Samples(5, 1), Samples(9, 1), 1).interval);
}

TEST_CASE("What slows a round slows both sides, and the ratio's interval does not widen for it") {
  Samples ours, reference;
  for (int round = 0; round < 20; ++round) {
    const double slow = 1 + 0.05 * (round % 10);
    ours.push_back(10 * slow), reference.push_back(20 * slow);
  }
  const Ratio together = paired_ratio(ours, reference, 1);
  CHECK(together.interval->high - together.interval->low < 1e-12);
  std::rotate(reference.begin(), reference.begin() + 5, reference.end());
  const Ratio apart = paired_ratio(ours, reference, 1);
  CHECK(apart.interval->high - apart.interval->low > 0.1);
}

TEST_CASE("Ratios are to references of the same shape that were measured") {
  std::vector<CellResult> cells = {cell("a", 16, 1), cell("b", 16, 4), cell("a", 32, 1), cell("b", 32, 9)};
  cells[3].state = CellState::kTooLarge;
  add_ratios(cells, {"b", "c"}, 1);
  REQUIRE(cells[0].ratios.size() == 1);
  CHECK(cells[0].ratios[0].reference == "b");
  CHECK(cells[0].ratios[0].ratio == 4);
  CHECK(cells[0].ratios[0].flops_ratio == 4);
  CHECK(cells[1].ratios.empty());
  CHECK(cells[2].ratios.empty());
}

TEST_CASE("More threads are compared with the fewest that the same cell was measured with") {
  std::vector<CellResult> cells = {cell("a", 16, 9), cell("a", 16, 5), cell("a", 16, 3), cell("b", 16, 7)};
  cells[1].cell.threads = 2, cells[2].cell.threads = 3, cells[3].cell.threads = 2;
  const std::vector<Scaling> scaling = scaling_of(cells, 1);
  REQUIRE(scaling.size() == 2);
  CHECK(scaling[0].speed_up == Approx(1.8));
  CHECK(scaling[1].threads == 3);
  CHECK(scaling[1].speed_up == Approx(3));
  CHECK(scaling[1].interval->low == Approx(3));
}

TEST_CASE("Curves of other shapes are other curves, but for the batch that a number of tokens gives") {
  std::vector<CellResult> cells = {cell("a", 10, 1), cell("a", 20, 2), cell("a", 10, 5), cell("a", 20, 6)};
  cells[2].cell.batch = cells[3].cell.batch = 8;
  CHECK(growth_of(cells, 1).size() == 2);
  cells.erase(cells.begin());
  const std::vector<Growth> missing = growth_of(cells, 1);
  REQUIRE(missing.size() == 1);
  CHECK(missing[0].cell.batch == 8);
  cells = {cell("a", 10, 1), cell("a", 20, 2)};
  cells[0].cell.tokens = cells[1].cell.tokens = 40;
  cells[0].cell.batch = 4, cells[1].cell.batch = 2;
  CHECK(growth_of(cells, 1).size() == 1);
}

TEST_CASE("Slopes are 1 for linear and 2 for quadratic time, whatever the step") {
  const std::vector<CellResult> cells = {cell("linear", 10, 1), cell("linear", 30, 3), cell("linear", 60, 6),
                                         cell("square", 10, 1), cell("square", 30, 9), cell("alone", 10, 1)};
  const std::vector<Growth> growth = growth_of(cells, 1);
  REQUIRE(growth.size() == 2);
  REQUIRE(growth[0].slopes.size() == 2);
  for (const LocalSlope& slope : growth[0].slopes) {
    CHECK(slope.slope == Approx(1));
    CHECK(slope.interval->low == Approx(1));
  }
  CHECK(growth[1].slopes[0].slope == Approx(2));
  CHECK(growth[1].fitted.slope == Approx(2));
}

TEST_CASE("A crossover lies where straight lines on logarithmic axes meet, else the reason is told") {
  // n and n²/100 meet at 100.
  const std::vector<CellResult> cells = {cell("linear", 25, 25), cell("square", 25, 6.25),
                                         cell("linear", 400, 400), cell("square", 400, 1600)};
  const std::vector<Crossover> found = crossovers_of(cells, {"square"});
  REQUIRE(found.size() == 1);
  CHECK(found[0].length.value() == Approx(100));
  const std::vector<Crossover> reverse = crossovers_of(cells, {"linear"});
  REQUIRE(reverse.size() == 1);
  CHECK(reverse[0].reason == "not faster at n = 400, the longest measured");
  const std::vector<CellResult> always = {cell("quick", 10, 1), cell("slow", 10, 2), cell("quick", 20, 2),
                                          cell("slow", 20, 5)};
  CHECK(crossovers_of(always, {"slow"})[0].reason == "faster at every length measured");
}

TEST_CASE("Types are compared with each other by narrowing alone") {
  std::vector<CellResult> cells = {cell("a", 16, 6), cell("a", 16, 3), cell("b", 16, 4), cell("b", 32, 2)};
  cells[1].cell.dtype = cells[3].cell.dtype = DType::kBF16;
  cells[1].native_bf16 = true;
  const std::vector<Narrowing> narrowing = narrowing_of(cells, 1);
  REQUIRE(narrowing.size() == 1);
  CHECK(narrowing[0].speed_up == 2);
  CHECK(narrowing[0].native_bf16);
  CHECK(narrowing[0].cell.dtype == DType::kF32);
  add_ratios(cells, {"b"}, 1);
  CHECK(cells[0].ratios.size() == 1);
  CHECK(cells[1].ratios.empty());
  CHECK(growth_of(cells, 1).empty());
  CHECK(scaling_of(cells, 1).empty());
}

}  // namespace linformer
