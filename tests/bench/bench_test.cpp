// SPDX-License-Identifier: MIT
#include "bench/bench.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bench/sweep.h"
#include "bench/workload.h"
#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

std::vector<BenchCell> small_cells(bool causal = false) {
  return sweep({.mechanisms = {"standard", "flash", "linformer:k=4"},
                .lengths = {24, 48},
                .heads = {3},
                .head_sizes = {16},
                .batches = {2},
                .causal = causal});
}

}  // namespace

TEST_CASE("Every cell is checked, timed and compared, with all its samples") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const BenchResult result = bench(small_cells(), {.budget_seconds = 0.2}, run);
  CHECK(result.complete);
  REQUIRE(result.cells.size() == 6);
  for (const CellResult& cell : result.cells) {
    INFO(cell.cell.mechanism);
    CHECK(cell.state == CellState::kMeasured);
    CHECK(std::ssize(cell.samples_ns) >= kLeastSamples);
    CHECK(cell.error.rows > 0);
    CHECK(cell.error.error <= cell.error.bound);
    CHECK(cell.interval_ns->low <= cell.median_ns);
    CHECK(cell.min_ns <= cell.median_ns);
    CHECK(cell.median_ns <= cell.p95_ns);
    CHECK(cell.gflops == Approx(cell.flops / cell.median_ns));
    CHECK(cell.ratios.size() == (cell.cell.mechanism.starts_with("linformer") ? 2 : 1));
    CHECK(cell.needs_training == cell.cell.mechanism.starts_with("linformer"));
  }
  CHECK(result.growth.size() == 3);
  CHECK(result.peak_gflops > 0);
  CHECK(memory.current_bytes() == 0);
}

TEST_CASE("What a mechanism cannot do or memory does not hold is skipped with the reason, the rest goes on") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const BenchResult causal = bench(small_cells(true), {.budget_seconds = 0.1}, run);
  for (const CellResult& cell : causal.cells) {
    const bool linear = cell.cell.mechanism.starts_with("linformer");
    CHECK(cell.state == (linear ? CellState::kSkipped : CellState::kMeasured));
    CHECK(contains(cell.reason, linear ? "causal" : ""));
  }
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"standard", "flash"},
                                              .lengths = {600},
                                              .heads = {2},
                                              .head_sizes = {16},
                                              .batches = {1}});
  MemoryAccount little(2'000'000);
  Run tight{.memory = little, .threads = 1};
  const BenchResult result = bench(cells, {.budget_seconds = 0.1}, tight);
  REQUIRE(result.cells.size() == 2);
  CHECK(result.cells[0].cell.mechanism == "standard");
  CHECK(result.cells[0].state == CellState::kSkipped);
  CHECK(contains(result.cells[0].reason, "workspace"));
  CHECK(result.cells[1].state == CellState::kMeasured);
}

TEST_CASE("A cell that is too long for its part is timed on fewer sequences or heads, and says so") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const std::vector<BenchCell> cells =
      sweep({.mechanisms = {"flash"}, .lengths = {256}, .heads = {64}, .head_sizes = {64}, .batches = {16}});
  const BenchResult result = bench(cells, {.budget_seconds = 0.02}, run);
  const CellResult& cell = result.cells[0];
  REQUIRE(cell.state == CellState::kMeasured);
  CHECK(cell.timed_batch * cell.timed_heads < 16 * 64);
  CHECK(contains(cell.reason, "scaled"));
  CHECK(cell.gflops == Approx(cell.flops / cell.median_ns));
  CHECK(cell.flops == Approx(4.0 * 256 * 256 * 64 * 64 * 16));
}

TEST_CASE("A bench that is stopped keeps what it has and says what is missing") {
  MemoryAccount memory;
  StopFlag stop;
  stop.request();
  Run run{.memory = memory, .threads = 1, .stop = &stop};
  const BenchResult result = bench(small_cells(), {.budget_seconds = 0.1}, run);
  CHECK_FALSE(result.complete);
  for (const CellResult& cell : result.cells) {
    CHECK(cell.state == CellState::kInterrupted);
    CHECK(contains(cell.reason, "stopped"));
  }
}

TEST_CASE("The first call is held to the reference and finds out what another cell left behind") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const std::vector<BenchCell> cells = small_cells();
  const BenchTensors tensors(2 * 3 * 24 * 16, 1, 1, run);
  Workload workload(cells[0], tensors, 1, run);
  CHECK(workload.first_call(7).error.error < 1e-6);
  const HeadsView<float> out = tensors.output(workload.shape());
  std::fill_n(out.data, 2 * 3 * 24 * 16, 5.0f);
  CHECK(workload.first_call(7).error.error < 1e-6);
  CHECK(out.data[0] != 5.0f);
}

TEST_CASE("Scores have the deviation that is asked for, and heads differ") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const AttentionShape s{
      .batch = 1, .heads = 2, .queries = 200, .keys = 200, .head_size = 32, .value_size = 32};
  const BenchTensors tensors(2 * 200 * 32, 3, 1, run);
  const AttentionInput in = tensors.input(s);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < 200; ++i) {
    for (int64_t j = 0; j < 200; ++j) {
      double score = 0;
      for (int64_t c = 0; c < 32; ++c) {
        score += static_cast<double>(in.q.matrix(0, 1).row(i)[c]) *
                 static_cast<double>(in.k.matrix(0, 1).row(j)[c]);
      }
      score /= std::sqrt(32.0);
      sum += score, squares += score * score;
    }
  }
  const double count = 200 * 200, mean = sum / count;
  CHECK(std::sqrt(squares / count - mean * mean) == Approx(3).epsilon(0.1));
  CHECK(in.k.matrix(0, 0).row(0)[0] != in.k.matrix(0, 1).row(0)[0]);
}

}  // namespace linformer
