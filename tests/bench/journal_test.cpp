// SPDX-License-Identifier: MIT
#include "bench/journal.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "bench/attention_subject.h"
#include "bench/bench.h"
#include "bench/sweep.h"
#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "report/bench_json.h"

namespace linformer {
namespace {

std::vector<BenchCell> two_shapes() {
  return sweep({.mechanisms = {"standard", "flash", "linformer:k=40"},
                .lengths = {24, 48},
                .heads = {3},
                .head_sizes = {16},
                .batches = {2}});
}

// Stops once a shape is done.
class AfterOne final : public Progress {
 public:
  explicit AfterOne(StopFlag& stop) : stop_(stop) {}
  void advance(std::string_view, int64_t done, int64_t) override {
    if (done == 1) stop_.request();
  }

 private:
  StopFlag& stop_;
};

struct Interrupted {
  TemporaryFolder folder;
  BenchOptions options;
  BenchResult result;

  Interrupted() {
    options.budget_seconds = 0.1;
    options.files = {.journal = folder.path("j"), .resume = false, .identity = "mine"};
    MemoryAccount memory;
    StopFlag stop;
    AfterOne progress(stop);
    Run run{.memory = memory, .threads = 1, .stop = &stop, .progress = &progress};
    result = bench(two_shapes(), AttentionSubject(1, 1), options, run);
  }

  BenchResult resumed() {
    options.files.resume = true;
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 1};
    return bench(two_shapes(), AttentionSubject(1, 1), options, run);
  }
};

}  // namespace

TEST_CASE("A bench that is resumed says of the cells that were done what it said before, and does the rest") {
  Interrupted first;
  CHECK_FALSE(first.result.complete);
  const BenchResult result = first.resumed();
  CHECK(result.complete);
  REQUIRE(result.cells.size() == 6);
  for (size_t i = 0; i < 6; ++i) {
    const CellResult& cell = result.cells[i];
    INFO(name_of(cell.cell));
    const bool possible = cell.cell.mechanism.find("k=40") == std::string::npos || cell.cell.length > 40;
    CHECK(cell.state == (possible ? CellState::kMeasured : CellState::kUnsupported));
    if (cell.cell.length != 24) continue;
    const auto before = bench_cell_json(first.result.cells[i], Level::kAttention);
    CHECK(bench_cell_json(cell, Level::kAttention).dump() == before.dump());
  }
  CHECK(result.growth.size() == 2);
}

TEST_CASE("A bench whose journal has every cell runs nothing") {
  Interrupted first;
  const BenchResult whole = first.resumed(), again = first.resumed();
  for (size_t i = 0; i < 6; ++i) CHECK(again.cells[i].samples_ns == whole.cells[i].samples_ns);
  CHECK(again.peaks.back().gflops == whole.peaks.back().gflops);
  discard(first.options.files);
  CHECK(first.folder.entries() == 0);
}

TEST_CASE("Cells in every state come back from a journal, numbers that are not finite included") {
  const TemporaryFolder folder;
  BenchProgress progress;
  for (const BenchCell& cell : two_shapes()) progress.cells.emplace_back().cell = cell;
  BenchProgress back = progress;
  CellResult& wrong = progress.cells[0];
  wrong.state = CellState::kWrong, wrong.reason = "a reason in \"quotes\"\n";
  wrong.error = {.error = std::numeric_limits<double>::quiet_NaN(), .bound = 1e-5, .rows = 16};
  CellResult& timed = progress.cells[1];
  timed.state = CellState::kMeasured;
  timed.score_deviation = 1.0 / 3;
  timed.timed_batch = 1, timed.timed_heads = 2, timed.calls_per_sample = 7, timed.extra_bytes = 64;
  timed.first_call_ns = 1.0 / 3, timed.peak_gflops = 99.9, timed.samples_ns = {6, 5, 4, 3, 2, 1.0 / 7};
  progress.cells[2].state = CellState::kFailed, progress.cells[2].reason = "so it was";
  timed.peak_products = DType::kBF16;
  progress.peaks = {{{1, DType::kF32}, {3.5, 4}}, {{1, DType::kBF16}, {7}}, {{2, DType::kF32}, {}}};
  progress.seconds = 12.25;
  save_progress(progress, folder.path("j"), "mine");
  load_progress(back, folder.path("j"), "mine");
  CHECK(back.seconds == 12.25);
  CHECK(back.peaks == progress.peaks);
  CHECK(back.cells[0].state == CellState::kWrong);
  CHECK(back.cells[0].reason == wrong.reason);
  CHECK(std::isnan(back.cells[0].error.error));
  CHECK(back.cells[0].error.rows == 16);
  CHECK(back.cells[1].samples_ns == timed.samples_ns);
  CHECK(back.cells[1].first_call_ns == timed.first_call_ns);
  CHECK(back.cells[1].median_ns == 3.5);
  CHECK(back.cells[1].scale() == 3);
  CHECK(back.cells[1].extra_bytes == 64);
  CHECK(back.cells[1].peak_products == DType::kBF16);
  CHECK(back.cells[1].score_deviation == timed.score_deviation);
  CHECK_FALSE(back.cells[0].score_deviation);
  CHECK(back.cells[2].state == CellState::kFailed);
  CHECK(back.cells[3].state == CellState::kInterrupted);
  CHECK(code_of([&] { load_progress(back, folder.path("j"), "another's"); }) == 2);
  back.cells.erase(back.cells.begin());
  CHECK(code_of([&] { load_progress(back, folder.path("j"), "mine"); }) == 2);
}

}  // namespace linformer
