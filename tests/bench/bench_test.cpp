// SPDX-License-Identifier: MIT
#include "bench/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "attention/wrapped_flash.h"
#include "bench/attention_subject.h"
#include "bench/sweep.h"
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
                .causal = causal,
                .threads = {2}});
}

BenchOptions with_budget(double seconds) {
  BenchOptions options;
  options.budget_seconds = seconds;
  return options;
}

BenchResult bench_attention(const std::vector<BenchCell>& cells, double budget, Run& run, float deviation = 1,
                            const MechanismMaker& make = make_registered) {
  return bench(cells, AttentionSubject(deviation, 1, make), with_budget(budget), run);
}

}  // namespace

TEST_CASE("Every cell is checked, timed and compared, with all its samples") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const BenchResult result = bench_attention(small_cells(), 0.2, run);
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
  REQUIRE(result.peaks.size() == 1);
  CHECK(result.peaks[0].gflops > 0);
  CHECK(memory.current_bytes() == 0);
}

TEST_CASE(
    "What a mechanism cannot do or memory does not hold is left out with the reason, the rest goes on") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const BenchResult causal = bench_attention(small_cells(true), 0.1, run);
  for (const CellResult& cell : causal.cells) {
    const bool linear = cell.cell.mechanism.starts_with("linformer");
    CHECK(cell.state == (linear ? CellState::kUnsupported : CellState::kMeasured));
    CHECK(contains(cell.reason, linear ? "causal" : ""));
  }
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"standard", "flash"},
                                              .lengths = {600},
                                              .heads = {2},
                                              .head_sizes = {16},
                                              .batches = {1}});
  MemoryAccount little(2'000'000);
  Run tight{.memory = little, .threads = 1};
  const BenchResult result = bench_attention(cells, 0.1, tight);
  REQUIRE(result.cells.size() == 2);
  CHECK(result.cells[0].cell.mechanism == "standard");
  CHECK(result.cells[0].state == CellState::kTooLarge);
  CHECK(contains(result.cells[0].reason, "at most"));
  CHECK(result.cells[1].state == CellState::kMeasured);
}

TEST_CASE("A Linformer with as many slots as keys or more is left out, for it saves nothing") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"linformer:k=23", "linformer:k=24"},
                                              .lengths = {24},
                                              .heads = {2},
                                              .head_sizes = {8},
                                              .batches = {1}});
  const BenchResult result = bench_attention(cells, 0.05, run);
  CHECK(result.cells[0].state == CellState::kMeasured);
  CHECK(result.cells[1].state == CellState::kUnsupported);
  CHECK(contains(result.cells[1].reason, "k = 24 slots for n = 24"));
}

TEST_CASE(
    "Numbers of threads are swept apart, with a peak and ratios of their own, and compared at the end") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"standard", "flash"},
                                              .lengths = {64},
                                              .heads = {4},
                                              .head_sizes = {32},
                                              .batches = {1},
                                              .threads = {2, 1}});
  REQUIRE(cells.size() == 4);
  CHECK(cells[0].threads == 1);
  CHECK_FALSE(same_shape(cells[1], cells[2]));
  const BenchResult result = bench_attention(cells, 0.1, run);
  CHECK(result.peaks.size() == 2);
  for (const CellResult& cell : result.cells) CHECK(cell.ratios.size() == 1);
  REQUIRE(result.scaling.size() == 2);
  CHECK(result.scaling[0].cell.threads == 1);
  CHECK(result.scaling[0].threads == 2);
  CHECK(result.scaling[0].speed_up == Approx(result.cells[0].median_ns / result.cells[2].median_ns));
  CHECK(run.threads == 2);
}

TEST_CASE("A cell that is too long for its part is timed on fewer sequences or heads, and says so") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const std::vector<BenchCell> cells =
      sweep({.mechanisms = {"flash"}, .lengths = {256}, .heads = {64}, .head_sizes = {64}, .batches = {16}});
  const BenchResult result = bench_attention(cells, 0.02, run);
  const CellResult& cell = result.cells[0];
  REQUIRE(cell.state == CellState::kMeasured);
  CHECK(cell.timed_batch * cell.timed_heads < 16 * 64);
  CHECK(cell.scaled());
  CHECK(cell.gflops == Approx(cell.flops / cell.median_ns));
  CHECK(cell.flops == Approx(4.0 * 256 * 256 * 64 * 64 * 16));
}

TEST_CASE("A bench that is stopped keeps what it has and says what is missing") {
  MemoryAccount memory;
  StopFlag stop;
  // Asks for a stop after the first shape.
  class AfterOne final : public Progress {
   public:
    explicit AfterOne(StopFlag& stop) : stop_(stop) {}
    void advance(std::string_view, int64_t, int64_t total) override {
      CHECK(total == 2);
      stop_.request();
    }

   private:
    StopFlag& stop_;
  } progress(stop);
  Run run{.memory = memory, .threads = 1, .stop = &stop, .progress = &progress};
  const BenchResult result = bench_attention(small_cells(), 0.1, run);
  CHECK_FALSE(result.complete);
  REQUIRE(result.cells.size() == 6);
  for (const CellResult& cell : result.cells) {
    if (cell.cell.length == 24) {
      CHECK(cell.state == CellState::kMeasured);
      CHECK_FALSE(cell.ratios.empty());
      continue;
    }
    CHECK(cell.state == CellState::kInterrupted);
    CHECK(cell.samples_ns.empty());
    CHECK(contains(cell.reason, "stopped"));
  }
}

namespace {

// Attention whose first shape takes long to set up.
class SlowToOpen final : public Subject {
 public:
  Level level() const override { return inner_.level(); }
  std::string name() const override { return inner_.name(); }
  CellPrediction predict(const BenchCell& cell, Run& run) const override { return inner_.predict(cell, run); }
  BenchCell reduced(BenchCell cell, double share) const override { return inner_.reduced(cell, share); }
  std::unique_ptr<Workbench> open(std::span<const BenchCell> cells, Run& run) const override {
    if (cells.front().length == 24) std::this_thread::sleep_for(std::chrono::milliseconds(950));
    return inner_.open(cells, run);
  }

 private:
  AttentionSubject inner_{1, 1};
};

}  // namespace

TEST_CASE("What set-up takes beyond its part of the budget, later shapes have less") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const std::vector<BenchCell> cells = sweep(
      {.mechanisms = {"flash"}, .lengths = {24, 48}, .heads = {1}, .head_sizes = {16}, .batches = {1000}});
  BenchOptions options = with_budget(1);
  options.peak_gflops = 0.5;  // all of it would take longer than that
  const auto timed = [&](const Subject& subject) {
    return bench(cells, subject, options, run).cells.back().timed_batch;
  };
  // The machine may be busy, so that opening takes long by itself; not five times, though.
  const auto slow_has_less = [&] {
    const int64_t usual = timed(AttentionSubject(1, 1));
    CHECK(usual < 1000);
    return timed(SlowToOpen()) < usual;
  };
  bool seen = false;
  for (int attempt = 0; attempt < 5 && !seen; ++attempt) seen = slow_has_less();
  CHECK(seen);
  options.spent_seconds = 1;
  CHECK(timed(AttentionSubject(1, 1)) == 1);
}

namespace {

// Another mechanism's answer with a fault in it.
class Faulty final : public WrappedFlash {
 public:
  enum class Fault { kWritesNothing, kOneRow, kTakesMore, kInternal, kLater };
  explicit Faulty(Fault fault) : fault_(fault) {}

  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    if (fault_ == Fault::kWritesNothing) return;
    if (fault_ == Fault::kInternal || (fault_ == Fault::kLater && ++calls_ > 3))
      throw Error(ErrorCode::kInternal, {.subject = "faulty"});
    if (fault_ == Fault::kTakesMore && more_.bytes() == 0) more_ = RawBuffer(run.memory, 4096, "more");
    right_->run(s, in, out, taps, workspace, run);
    if (fault_ != Fault::kOneRow) return;
    for (int64_t b = 0; b < s.batch; ++b) {
      for (int64_t h = 0; h < s.heads; ++h) out.matrix(b, h).row(s.queries - 1)[0] += 0.01f;
    }
  }

 private:
  Fault fault_;
  int calls_ = 0;
  RawBuffer more_;
};

BenchResult bench_with(Faulty::Fault fault, MemoryAccount& memory) {
  Run run{.memory = memory, .threads = 1};
  return bench_attention(small_cells(), 0.05, run, 1,
                         [=](const std::string& name) -> std::unique_ptr<Mechanism> {
                           return name == "flash" ? std::make_unique<Faulty>(fault) : make_mechanism(name);
                         });
}

}  // namespace

TEST_CASE("A cell that differs from its reference is wrong, is not timed and has no ratios, others go on") {
  // Writing nothing leaves what standard attention, which comes before, has written: the right answer.
  for (const auto fault : {Faulty::Fault::kWritesNothing, Faulty::Fault::kOneRow}) {
    MemoryAccount memory;
    const BenchResult result = bench_with(fault, memory);
    for (const CellResult& cell : result.cells) {
      const bool faulty = cell.cell.mechanism == "flash";
      CHECK(cell.state == (faulty ? CellState::kWrong : CellState::kMeasured));
      CHECK(cell.samples_ns.empty() == faulty);
      CHECK(contains(cell.reason, faulty ? "f64 reference" : ""));
    }
    CHECK(result.complete);
  }
}

TEST_CASE("What a mechanism takes beyond its workspace is warned of") {
  MemoryAccount memory;
  const BenchResult result = bench_with(Faulty::Fault::kTakesMore, memory);
  CHECK(std::ranges::count(result.warnings, "memory", &Warning::kind) == 2);
  for (const CellResult& cell : result.cells)
    CHECK(cell.extra_bytes == (cell.cell.mechanism == "flash" ? 4096 : 0));
}

TEST_CASE("A cell that fails, in its check or while it is sampled, does not stop the others") {
  for (const auto fault : {Faulty::Fault::kInternal, Faulty::Fault::kLater}) {
    MemoryAccount memory;
    const BenchResult result = bench_with(fault, memory);
    CHECK(result.complete);
    for (const CellResult& cell : result.cells) {
      const bool faulty = cell.cell.mechanism == "flash";
      CHECK(cell.state == (faulty ? CellState::kFailed : CellState::kMeasured));
      CHECK(cell.samples_ns.empty() == faulty);
      CHECK(contains(cell.reason, faulty ? "faulty" : ""));
      CHECK(cell.ratios.size() == (cell.cell.mechanism == "standard" || faulty ? 0 : 1));
    }
  }
}

TEST_CASE("Large scores widen the bound, for their rounding shows in the weights") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const BenchResult result = bench_attention(small_cells(), 0.05, run, 1000);
  for (const CellResult& cell : result.cells) {
    CHECK(cell.state == CellState::kMeasured);
    CHECK(cell.error.bound > 1e-5);
  }
}

TEST_CASE("In bf16 each cell reads half the bytes, has ratios in its own type, and is set beside f32") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"standard", "flash", "linformer:k=4"},
                                              .lengths = {48},
                                              .heads = {3},
                                              .head_sizes = {16},
                                              .batches = {2},
                                              .threads = {2},
                                              .dtypes = {DType::kF32, DType::kBF16}});
  REQUIRE(cells.size() == 6);
  CHECK(same_shape(cells[0], cells[1]));
  const BenchResult result = bench_attention(cells, 0.2, run);
  for (size_t i = 0; i < 6; i += 2) {
    const CellResult &wide = result.cells[i], &narrow = result.cells[i + 1];
    INFO(wide.cell.mechanism);
    CHECK(narrow.cell.dtype == DType::kBF16);
    CHECK(narrow.state == CellState::kMeasured);
    CHECK(2 * narrow.tensor_bytes == wide.tensor_bytes);
    CHECK(narrow.error.bound >= 1e-2);
    CHECK(narrow.error.error > wide.error.error);
    CHECK_FALSE(wide.native_bf16);
    CHECK(narrow.native_bf16 == make_mechanism(narrow.cell.mechanism)->traits().native_bf16);
    CHECK(narrow.samples_ns.size() == wide.samples_ns.size());
    CHECK(wide.peak_products == DType::kF32);
    CHECK(narrow.peak_products == (narrow.native_bf16 ? DType::kBF16 : DType::kF32));
    CHECK(narrow.peak_share == Approx(narrow.gflops / narrow.peak_gflops));
  }
  REQUIRE(result.peaks.size() == (result.cells[3].native_bf16 ? 2 : 1));
  CHECK(result.peaks.front().products == DType::kF32);
  REQUIRE(result.cells[3].ratios.size() == 1);
  CHECK(result.cells[3].ratios[0].ratio == Approx(result.cells[1].median_ns / result.cells[3].median_ns));
  REQUIRE(result.narrowing.size() == 3);
  CHECK(result.narrowing[1].cell.mechanism == "flash");
  CHECK(result.narrowing[1].speed_up == Approx(result.cells[2].median_ns / result.cells[3].median_ns));
  CHECK(memory.current_bytes() == 0);
}

TEST_CASE("Few queries have tensors, operations and a check of their own, and more than n are left out") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"standard", "flash"},
                                              .lengths = {64, 1100},
                                              .heads = {3},
                                              .head_sizes = {16},
                                              .batches = {2},
                                              .causal = true,
                                              .threads = {2},
                                              .dtypes = {DType::kF32, DType::kBF16},
                                              .queries = {2, 100}});
  const BenchResult result = bench_attention(cells, 0.2, run);
  REQUIRE(result.cells.size() == 16);
  for (const CellResult& r : result.cells) {
    INFO(name_of(r.cell));
    if (r.cell.queries > r.cell.length) {
      CHECK(r.state == CellState::kUnsupported);
      CHECK(contains(r.reason, "100 queries for n = 64"));
      continue;
    }
    CHECK(r.state == CellState::kMeasured);
    CHECK(r.extra_bytes == 0);
    const int64_t m = r.cell.queries, n = r.cell.length;
    CHECK(r.tensor_bytes == 2 * (m + n) * 2 * 3 * 16 * (r.cell.dtype == DType::kF32 ? 4 : 2));
    CHECK(r.flops == Approx(4.0 * 2 * 3 * 16 * static_cast<double>(m * (n - m) + m * m / 2)));
  }
  CHECK(result.growth.size() == 4);
  CHECK(memory.current_bytes() == 0);
}

TEST_CASE("A wrong answer in bf16 is found out") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const std::vector<BenchCell> cells = sweep({.mechanisms = {"flash"},
                                              .lengths = {24},
                                              .heads = {3},
                                              .head_sizes = {16},
                                              .batches = {2},
                                              .dtypes = {DType::kBF16}});
  const BenchResult result = bench_attention(cells, 0.05, run, 1, [](const std::string&) {
    return std::make_unique<Faulty>(Faulty::Fault::kWritesNothing);
  });
  CHECK(result.cells[0].state == CellState::kWrong);
}

TEST_CASE("Scores have the deviation that is asked for, and heads differ") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const AttentionShape s{.batch = 1,
                         .heads = 2,
                         .queries = 200,
                         .keys = 200,
                         .head_size = 32,
                         .value_size = 32,
                         .scale = 1 / std::sqrt(32.0f)};
  BenchTensors tensors(s, {.f32 = true, .bf16 = true}, run);
  DrawnValues(3, 1).fill(s, tensors, run);
  CHECK(tensors.score_deviation(s, 2) == Approx(3).epsilon(0.15));
  const AttentionInput in = tensors.input<float>(s);
  CHECK(in.k.matrix(0, 0).row(0)[0] != in.k.matrix(0, 1).row(0)[0]);
  const Bf16AttentionInput narrow = tensors.input<Bf16>(s);
  for (int64_t c = 0; c < 32; ++c) {
    CHECK(narrow.k.matrix(0, 1).row(7)[c].bits == bf16_from(in.k.matrix(0, 1).row(7)[c]).bits);
    CHECK(narrow.v.matrix(0, 0).row(9)[c].bits == bf16_from(in.v.matrix(0, 0).row(9)[c]).bits);
  }
}

}  // namespace linformer
