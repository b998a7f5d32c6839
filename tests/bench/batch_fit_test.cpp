// SPDX-License-Identifier: MIT
#include "bench/batch_fit.h"

#include <memory>
#include <string>
#include <vector>

#include "attention/wrapped_flash.h"
#include "bench/attention_subject.h"
#include "bench/model_subject.h"
#include "bench/sweep.h"
#include "catch.h"
#include "io/error_of.h"
#include "model/encoder_plan.h"
#include "report/batch_fit_json.h"

namespace linformer {
namespace {

std::vector<BenchCell> some_cells(std::vector<std::string> mechanisms, std::vector<int64_t> lengths) {
  return sweep({.mechanisms = std::move(mechanisms),
                .lengths = std::move(lengths),
                .heads = {2},
                .head_sizes = {16},
                .batches = {1},
                .threads = {2}});
}

BatchFitResult fit_attention(int64_t limit, double budget = 10, MemoryAccount* account = nullptr) {
  MemoryAccount plenty;
  Run run{.memory = account ? *account : plenty, .threads = 2};
  return fit_batches(some_cells({"standard", "flash", "linformer:k=8"}, {64, 128}), AttentionSubject(1, 1),
                     {.limit_bytes = limit, .budget_seconds = budget, .peak_gflops = 50}, run);
}

constexpr int64_t kMega = 1'000'000;

}  // namespace

TEST_CASE("The largest batch is the last that fits, and each sequence takes what the predictions say") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const AttentionSubject subject(1, 1);
  for (const BatchFit& fit : fit_attention(20 * kMega).fits) {
    INFO(name_of(fit.cell));
    REQUIRE(fit.largest_batch);
    BenchCell cell = fit.cell;
    const auto bytes = [&](int64_t batch) {
      cell.batch = batch;
      return subject.predict(cell, run).bytes();
    };
    const int64_t most = *fit.largest_batch;
    CHECK(bytes(most) <= 20 * kMega);
    CHECK(bytes(most + 1) > 20 * kMega);
    CHECK(fit.one_bytes == bytes(1));
    CHECK(fit.bytes_per_sequence * static_cast<double>(most - 1) ==
          Approx(static_cast<double>(bytes(most) - bytes(1))));
  }
}

TEST_CASE("A sequence takes Q, K, V and O, of standard attention all of P once, and no logits beside it") {
  const BatchFitResult result = fit_attention(20 * kMega);
  const double n = 128, h = 2, d = 16;
  CHECK(result.fits[3].bytes_per_sequence == Approx(4 * (4 * h * n * d + h * n * (n + 16))).epsilon(0.02));
  CHECK(result.fits[3].keeps_probabilities);
  CHECK(result.fits[4].bytes_per_sequence == Approx(4 * 4 * h * n * d));
  CHECK_FALSE(result.fits[4].keeps_probabilities);
  CHECK(result.fits[4].ratios[0].reference == "standard");
  CHECK(result.fits[4].ratios[0].bytes ==
        Approx(result.fits[3].bytes_per_sequence / result.fits[4].bytes_per_sequence));
  CHECK(result.fits[4].ratios[0].batches.value() ==
        Approx(static_cast<double>(*result.fits[4].largest_batch) /
               static_cast<double>(*result.fits[3].largest_batch)));
}

TEST_CASE("Two real calls of every cell take what was predicted, to the byte") {
  const BatchFitResult result = fit_attention(20 * kMega);
  for (const BatchFit& fit : result.fits) {
    REQUIRE(fit.measured.size() == 2);
    for (const MeasuredBytes& m : fit.measured) CHECK(m.measured == m.predicted);
  }
  CHECK(result.largest_difference() == 0);
  CHECK(result.complete);
  CHECK(passed(result));
}

TEST_CASE("So it is in bf16, whose tensors take half") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  std::vector<BenchCell> cells = some_cells({"flash", "linformer:k=8"}, {64});
  for (BenchCell& cell : cells) cell.dtype = DType::kBF16;
  const BatchFitResult result =
      fit_batches(cells, AttentionSubject(1, 1), {.limit_bytes = 20 * kMega, .peak_gflops = 50}, run);
  for (const BatchFit& fit : result.fits) {
    REQUIRE(fit.measured.size() == 2);
    for (const MeasuredBytes& m : fit.measured) CHECK(m.measured == m.predicted);
  }
}

TEST_CASE("So it is in a model, whose weights count") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const ModelPlan plan = plan_encoder(parse_encoder_sizes("layers=2,width=32,heads=2,ffn=64"), 64);
  const Model model = Model::untrained(plan, 1, memory);
  std::vector<BenchCell> cells = some_cells({"standard", "linformer:k=8"}, {64});
  for (BenchCell& cell : cells) cell.layers = 2;
  const BatchFitResult result = fit_batches(cells, ModelSubject(model, "small", 1),
                                            {.limit_bytes = 20 * kMega, .peak_gflops = 50}, run);
  for (const BatchFit& fit : result.fits) {
    CHECK(fit.one_bytes > model.bytes());
    REQUIRE(fit.measured.size() == 2);
    for (const MeasuredBytes& m : fit.measured) CHECK(m.measured == m.predicted);
  }
}

TEST_CASE("Where not even one sequence fits there is no largest batch, but still bytes a sequence") {
  const BatchFitResult result = fit_attention(100'000);
  const BatchFit& standard = result.fits[3];
  CHECK_FALSE(standard.largest_batch);
  CHECK(standard.bytes_per_sequence > 100'000);
  CHECK_FALSE(result.fits[4].ratios[0].batches);
  CHECK(result.fits[4].ratios[0].bytes > 1);
  CHECK(result.fits[0].largest_batch);
}

TEST_CASE("What is too long for the budget, or does not fit this machine, is not measured, with the reason") {
  for (const BatchFit& fit : fit_attention(kMega, 1e-9).fits) {
    CHECK(fit.measured.empty());
    CHECK(contains(fit.measured_reason, "budget"));
    CHECK(fit.largest_batch);
  }
  // Some 20 us for the linformers, twice 63 at n = 64 and twice 252 at n = 128.
  const BatchFitResult cheapest = fit_attention(kMega, 300e-6);
  for (const size_t i : std::vector<size_t>{0, 1, 2, 5}) CHECK(cheapest.fits[i].measured.size() == 2);
  for (const size_t i : std::vector<size_t>{3, 4})
    CHECK(contains(cheapest.fits[i].measured_reason, "what is left of the budget"));
  const BatchFitResult all = fit_attention(kMega);
  const int64_t short_bytes = all.fits[0].measured.at(1).predicted;
  const int64_t long_bytes = all.fits[3].measured.at(1).predicted;
  REQUIRE(short_bytes < long_bytes);
  MemoryAccount little((short_bytes + long_bytes) / 2);
  const BatchFitResult result = fit_attention(kMega, 10, &little);
  CHECK(result.fits[0].measured.size() == 2);
  CHECK(result.fits[3].measured.size() < 2);
  CHECK_FALSE(result.fits[3].measured_reason.empty());
}

TEST_CASE("What cannot be has a reason and no numbers, and a stop ends what is measured") {
  MemoryAccount memory;
  StopFlag stop;
  stop.request();
  Run run{.memory = memory, .threads = 2, .stop = &stop};
  const BatchFitResult result = fit_batches(some_cells({"flash", "linformer:k=64"}, {64}),
                                            AttentionSubject(1, 1), {.limit_bytes = kMega}, run);
  CHECK_FALSE(result.complete);
  CHECK(contains(result.fits[0].measured_reason, "stopped"));
  CHECK(contains(result.fits[1].reason, "k = 64 slots for n = 64"));
  CHECK(result.fits[1].ratios.empty());
  CHECK_FALSE(result.largest_difference());
}

namespace {

// Takes half a megabyte that it did not announce.
class Greedy final : public WrappedFlash {
 public:
  void run(const AttentionShape& s, const AttentionInput& in, HeadsView<float> out, const AttentionTaps& taps,
           std::span<std::byte> workspace, Run& run) override {
    const RawBuffer more(run.memory, kMega / 2, "more");
    right_->run(s, in, out, taps, workspace, run);
  }
};

}  // namespace

TEST_CASE("A call that takes more than was predicted is found out") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const AttentionSubject subject(1, 1, [](const std::string&) { return std::make_unique<Greedy>(); });
  const BatchFitResult result =
      fit_batches(some_cells({"flash"}, {64}), subject, {.limit_bytes = kMega, .peak_gflops = 50}, run);
  CHECK(result.largest_difference().value() > 1);
  CHECK_FALSE(passed(result));
}

}  // namespace linformer
