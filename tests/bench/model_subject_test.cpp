// SPDX-License-Identifier: MIT
#include "bench/model_subject.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "attention/wrapped_flash.h"
#include "bench/bench.h"
#include "bench/model_flops.h"
#include "bench/prediction.h"
#include "bench/sweep.h"
#include "catch.h"
#include "io/error_of.h"
#include "model/encoder_plan.h"
#include "model/recorder.h"

namespace linformer {
namespace {

EncoderSizes tiny_sizes() { return {.name = "tiny", .layers = 2, .width = 32, .heads = 4, .ffn_width = 48}; }

struct Tiny {
  explicit Tiny(Level level = Level::kModel) {
    ModelPlan plan = plan_encoder(tiny_sizes(), 64);
    if (level == Level::kLayer) plan = only_layer(plan, 0);
    model = std::make_unique<Model>(Model::untrained(plan, 1, memory));
  }

  std::vector<BenchCell> cells(std::vector<std::string> mechanisms, std::vector<int64_t> lengths = {24, 40},
                               int64_t batch = 2) const {
    const Architecture& a = model->architecture();
    return sweep({.mechanisms = std::move(mechanisms),
                  .lengths = std::move(lengths),
                  .heads = {a.heads},
                  .head_sizes = {a.head_size},
                  .batches = {batch},
                  .layers = model->layer_count(),
                  .threads = {2}});
  }
  BenchResult result(const std::vector<BenchCell>& cells, double budget = 0.05,
                     const MechanismMaker& make = make_registered) {
    BenchOptions options;
    options.budget_seconds = budget;
    options.peak_gflops = 100;  // so that what is timed does not depend on the machine
    return bench(cells, ModelSubject(*model, "tiny", 1, make), options, run);
  }

  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  std::unique_ptr<Model> model;
};

const std::vector<std::string> kMechanisms = {"standard",
                                              "flash",
                                              "linformer:k=5,sharing=none",
                                              "linformer:k=5,sharing=headwise",
                                              "linformer:k=5,sharing=key-value",
                                              "linformer:k=5",
                                              "linformer:k=5,sharing=headwise,order=before-weights",
                                              "linformer:k=5,order=before-weights"};

void check_all_measured(const BenchResult& result) {
  for (const CellResult& cell : result.cells) {
    INFO(cell.cell.mechanism << ": " << cell.reason);
    CHECK(cell.state == CellState::kMeasured);
    CHECK(cell.error.error <= cell.error.bound);
    CHECK(cell.error.error > 0);
  }
}

}  // namespace

TEST_CASE("Layers and models are checked and timed with every mechanism, and keep no memory") {
  for (const Level level : {Level::kLayer, Level::kModel}) {
    Tiny tiny(level);
    const int64_t held = tiny.memory.current_bytes();
    const BenchResult result = tiny.result(tiny.cells(kMechanisms));
    REQUIRE(result.cells.size() == 16);
    check_all_measured(result);
    CHECK(result.level == level);
    CHECK(result.subject == (level == Level::kLayer ? "a layer of tiny" : "tiny"));
    CHECK(result.cells[0].cell.layers == (level == Level::kLayer ? 1 : 2));
    CHECK_FALSE(result.cells[0].scaled());
    CHECK(result.cells[2].needs_training);
    CHECK(result.cells[0].ratios[0].flops_ratio == 1);
    CHECK(result.growth.size() == kMechanisms.size());
    CHECK(std::ranges::count(result.warnings, "memory", &Warning::kind) == 0);
    CHECK(tiny.memory.current_bytes() == held);
  }
}

TEST_CASE(
    "Encoders of every kind pass the check: norms before, RMS, gates, biases by distance, shared layers") {
  for (const char* name : {"bert/gelu-new", "bert/masked-lm", "models/albert", "models/distilbert",
                           "models/electra", "models/roberta", "models/t5-encoder", "models/t5-gated"}) {
    INFO(name);
    LoadedFixture loaded(fixture(name), Stack::kEncoder, [](ModelPlan plan) {
      plan.head.reset();
      return plan;
    });
    const Architecture& a = loaded.model.architecture();
    const auto cells = sweep({.mechanisms = {"standard", "flash", "linformer:k=3"},
                              .lengths = {10},
                              .heads = {a.heads},
                              .head_sizes = {a.head_size},
                              .batches = {2},
                              .layers = loaded.model.layer_count()});
    BenchOptions options;
    options.budget_seconds = 0.05;
    const ModelSubject subject(loaded.model, name, 1);
    const BenchResult result = bench(cells, subject, options, loaded.run);
    for (const CellResult& cell : result.cells) {
      INFO(cell.cell.mechanism << ": " << cell.reason);
      const bool possible = a.distance_buckets.count == 0 || !cell.cell.mechanism.starts_with("linformer");
      CHECK(cell.state == (possible ? CellState::kMeasured : CellState::kUnsupported));
    }
  }
}

TEST_CASE(
    "A model that is too long for its part is timed on fewer sequences, then layers, never fewer heads") {
  Tiny tiny;
  const ModelSubject subject(*tiny.model, "tiny", 1);
  BenchCell cell = tiny.cells({"flash"}, {24}, 8)[0];
  cell.layers = 12;
  const auto reduced = [&](double share) {
    const BenchCell r = subject.reduced(cell, share);
    CHECK(r.heads == cell.heads);
    return std::pair(r.batch, r.layers);
  };
  CHECK(reduced(1) == std::pair<int64_t, int64_t>(8, 12));
  CHECK(reduced(0.4) == std::pair<int64_t, int64_t>(3, 12));
  CHECK(reduced(0.125) == std::pair<int64_t, int64_t>(1, 12));
  CHECK(reduced(0.06) == std::pair<int64_t, int64_t>(1, 5));
  CHECK(reduced(0) == std::pair<int64_t, int64_t>(1, 1));

  const BenchResult result = tiny.result(tiny.cells({"flash"}, {64}, 16), 1e-6);
  const CellResult& r = result.cells[0];
  REQUIRE(r.measured());
  CHECK(r.timed_batch == 1);
  CHECK(r.timed_layers == 1);
  CHECK(r.scale() == 32);
  CHECK(r.gflops == Approx(r.flops / r.median_ns));
}

TEST_CASE("Cells of a shape share one pass: what they take together is little more than the largest alone") {
  Tiny tiny;
  const std::vector<BenchCell> cells = tiny.cells({"standard", "flash", "linformer:k=5"}, {64});
  int64_t largest = 0, all = 0;
  const ModelSubject subject(*tiny.model, "tiny", 1);
  for (const BenchCell& cell : cells) {
    const int64_t bytes = predicted(cell, subject, tiny.run).bytes();
    largest = std::max(largest, bytes), all += bytes;
  }
  check_all_measured(tiny.result(cells));
  CHECK(tiny.memory.peak_bytes() >= largest);
  CHECK(tiny.memory.peak_bytes() < (largest + all) / 2);
}

TEST_CASE("A model's cells that cannot be are left out with the reason") {
  Tiny tiny;
  const BenchResult result =
      tiny.result(tiny.cells({"flash", "linformer:k=5,sharing=none,order=before-weights"}, {64, 65}));
  REQUIRE(result.cells.size() == 4);
  CHECK(result.cells[0].measured());
  CHECK(contains(result.cells[1].reason, "before the weights there are no heads"));
  CHECK(contains(result.cells[2].reason, "at most the model's 64 positions"));
  CHECK(result.cells[2].state == CellState::kUnsupported);

  Tiny layer(Level::kLayer);
  CHECK(layer.result(layer.cells({"flash"}, {65})).cells[0].measured());

  MemoryAccount little(tiny.memory.current_bytes() + 1000);
  Run tight{.memory = little, .threads = 1};
  const BenchResult none =
      bench(tiny.cells({"flash"}, {64}), ModelSubject(*tiny.model, "tiny", 1), {}, tight);
  CHECK(none.cells[0].state == CellState::kTooLarge);
}

namespace {

// Flash that writes nothing, so that what was there before stays.
class Idle final : public WrappedFlash {
 public:
  void run(const AttentionShape&, const AttentionInput&, HeadsView<float>, const AttentionTaps&,
           std::span<std::byte>, Run&) override {}
};

}  // namespace

TEST_CASE("A mechanism that leaves in place what the one before has written is found out") {
  Tiny tiny;
  const BenchResult result =
      tiny.result(tiny.cells({"standard", "flash"}, {24}), 0.05, [](const std::string& name) {
        return name == "flash" ? std::make_unique<Idle>() : make_mechanism(name);
      });
  CHECK(result.cells[0].measured());
  CHECK(result.cells[1].state == CellState::kWrong);
}

TEST_CASE("Operations of a layer are those of its dense products, its attention and its projections") {
  const Architecture a = plan_encoder(tiny_sizes(), 64).architecture;
  BenchCell cell{.mechanism = "flash", .length = 10, .batch = 3, .heads = 4, .head_size = 8, .layers = 2};
  const double dense = 30 * (2 * 4 * 32 * 32 + 2 * 2 * 32 * 48);
  CHECK(layer_flops(a, cell) == dense + 3 * 4.0 * 10 * 10 * 32);
  cell.mechanism = "linformer:k=5,sharing=layerwise";
  CHECK(layer_flops(a, cell) == dense + 3 * (4.0 * 5 * 10 * 32 + 4.0 * 10 * 5 * 32));
  // E X once, and keys and values of 15 slots in place of 30 tokens.
  cell.mechanism = "linformer:k=5,sharing=layerwise,order=before-weights";
  const double fewer = dense - (30 - 15) * (2 * 2 * 32 * 32);
  CHECK(layer_flops(a, cell) == fewer + 3 * (2.0 * 5 * 10 * 32 + 4.0 * 10 * 5 * 32));
  cell.mechanism = "linformer:k=5,sharing=headwise,order=before-weights";
  CHECK(layer_flops(a, cell) == fewer + 3 * (4.0 * 5 * 10 * 32 + 4.0 * 10 * 5 * 32));
}

}  // namespace linformer
