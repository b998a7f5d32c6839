// SPDX-License-Identifier: MIT
#include "bench/budget.h"

#include <algorithm>
#include <vector>

#include "bench/attention_subject.h"
#include "bench/prediction.h"
#include "bench/sweep.h"
#include "catch.h"

namespace linformer {

TEST_CASE("What all cells need within the budget is not cut, and what is too long is cut to one share") {
  CHECK(fair_share(std::vector<Need>{{1, 0.1}, {2, 0.1}, {3, 0.1}}, 10) >= 3);
  CHECK(fair_share(std::vector<Need>{{1, 0.1}, {20, 0.1}, {30, 0.1}}, 11) == Approx(5));
  CHECK(fair_share(std::vector<Need>{{8, 0.1}, {8, 0.1}}, 2) == Approx(1));
}

TEST_CASE("A cell that cannot be cut down to its share takes from the others") {
  // 6 stay for the two that can be.
  CHECK(fair_share(std::vector<Need>{{100, 4}, {5, 0.1}, {50, 0.1}}, 10) == Approx(3));
  CHECK(fair_share(std::vector<Need>{{100, 40}, {5, 0.1}}, 10) == Approx(0).margin(1e-9));
}

TEST_CASE(
    "The time is shared out by shape, fewer threads need more of it, and cells with a reason get none") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const AttentionSubject subject(1, 1);
  std::vector<CellResult> cells;
  for (const BenchCell& cell : sweep({.mechanisms = {"flash", "linformer:k=40"},
                               .lengths = {32, 64},
                               .heads = {2},
                               .head_sizes = {16},
                               .batches = {64},
                               .threads = {1, 2}})) {
    cells.push_back(predicted(cell, subject, run));
  }
  const std::vector<Group> groups = share_out(cells, subject, 100, 50, 2);
  REQUIRE(groups.size() == 4);
  CHECK(groups[0].timed.size() == 1);
  CHECK(groups[2].timed.size() == 2);
  double all = 0;
  for (const Group& group : groups) all += group.seconds;
  CHECK(all == Approx(100));
  CHECK(groups[0].seconds > 1.5 * groups[1].seconds);
  CHECK(groups[3].timed[0].batch == 64);
  const std::vector<Group> little = share_out(cells, subject, 1e-3, 50, 2);
  CHECK(little[3].timed[0].batch < 64);
}

TEST_CASE("What the budget cannot hold even in its least form is left out, the longest first") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const AttentionSubject subject(1, 1);
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"flash", "linformer:k=32"},
                                              .lengths = {32, 1024, 4096},
                                              .heads = {1},
                                              .head_sizes = {64},
                                              .batches = {1}});
  CHECK(affordable(cells, subject, 1e6, 50, run).size() == cells.size());
  // k = 32 for n = 32 cannot be, and so costs nothing.
  const std::vector<BenchCell> free = affordable(cells, subject, 1e-12, 50, run);
  REQUIRE(free.size() == 1);
  CHECK(free[0].length == 32);
  CHECK(free[0].mechanism.starts_with("linformer"));
  // flash takes 4 n² d operations, 4.3e9 at n = 4096: eight calls at half of 50 GFLOP/s are 1.4 s.
  const std::vector<BenchCell> within = affordable(cells, subject, 1, 50, run);
  CHECK(within.size() == cells.size() - 1);
  CHECK_FALSE(std::ranges::any_of(
      within, [](const BenchCell& cell) { return cell.length == 4096 && cell.mechanism == "flash"; }));
}

}  // namespace linformer
