// SPDX-License-Identifier: MIT
#include "bench/batch_sizes.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/attention_subject.h"
#include "bench/prediction.h"
#include "bench/sweep.h"
#include "catch.h"

namespace linformer {
namespace {

// What is predicted of a batch is as these tests want it.
class MadeSizes final : public Subject {
 public:
  explicit MadeSizes(std::function<int64_t(int64_t)> bytes) : bytes_(std::move(bytes)) {}

  mutable std::set<int64_t> asked;

  Level level() const override { return Level::kAttention; }
  std::string name() const override { return "made"; }
  CellPrediction predict(const BenchCell& cell, Run&) const override {
    asked.insert(cell.batch);
    return {.flops = 1, .tensor_bytes = bytes_(cell.batch)};
  }
  BenchCell reduced(BenchCell cell, double) const override { return cell; }
  std::unique_ptr<Workbench> open(std::span<const BenchCell>, Run&) const override { return nullptr; }

 private:
  std::function<int64_t(int64_t)> bytes_;
};

const BenchCell kCell{.mechanism = "flash", .length = 16, .batch = 1, .heads = 2, .head_size = 8};

}  // namespace

TEST_CASE("The largest batch is the last whose bytes fit, and none where one sequence does not") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const AttentionSubject subject(1, 1);
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"standard", "linformer:k=64"},
                                              .lengths = {64, 256},
                                              .heads = {2},
                                              .head_sizes = {16},
                                              .batches = {1}});
  constexpr int64_t kBytes = 10'000'000;
  const std::vector<CellNeed> needs = needs_of(cells, subject, kBytes, run);
  REQUIRE(needs.size() == cells.size());
  for (const CellNeed& need : needs) {
    BenchCell cell = need.cell;
    INFO(name_of(cell));
    if (cell.length == 64 && cell.mechanism != "standard") {  // as many slots as keys
      CHECK(need.largest_batch == 0);
      continue;
    }
    CHECK(need.flops > 0);
    REQUIRE(need.largest_batch > 1);
    cell.batch = need.largest_batch;
    CHECK(predicted(cell, subject, run).bytes() <= kBytes);
    cell.batch += 1;
    CHECK(predicted(cell, subject, run).bytes() > kBytes);
  }
  CHECK(needs_of(cells, subject, 1000, run)[0].largest_batch == 0);
}

TEST_CASE("The largest batch is found with few questions where each sequence takes as much as the last") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const MadeSizes linear([](int64_t batch) { return 1000 + 64 * batch; });
  BatchSizes sizes(kCell, linear, run);
  CHECK(sizes.largest(1000 + 64 * 12'345 + 63) == 12'345);
  CHECK(linear.asked.size() <= 4);
  CHECK(sizes.largest(1063) == 0);
  CHECK(sizes.largest(1064) == 1);
}

TEST_CASE("The largest batch is found where the second sequence misleads") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  // A second sequence that takes nothing more, one that takes all, and lines of 4096 bytes.
  const std::function<int64_t(int64_t)> curves[] = {
      [](int64_t batch) { return 100 * std::max<int64_t>(2, batch); },
      [](int64_t batch) { return batch == 1 ? 1 : 100'000 + batch; },
      [](int64_t batch) { return (batch * 1000 + 4095) / 4096 * 4096; }};
  for (const auto& curve : curves) {
    const MadeSizes subject(curve);
    BatchSizes sizes(kCell, subject, run);
    for (const int64_t limit : {4096, 5000, 100'003, 1'000'000}) {
      const int64_t most = sizes.largest(limit);
      CAPTURE(limit, most);
      REQUIRE(most >= 1);
      CHECK(curve(most) <= limit);
      CHECK(curve(most + 1) > limit);
    }
  }
}

}  // namespace linformer
