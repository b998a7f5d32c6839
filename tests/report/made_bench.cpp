// SPDX-License-Identifier: MIT
#include "report/made_bench.h"

#include <limits>

namespace linformer {
namespace {

CellResult made_cell(const char* mechanism, CellState state) {
  CellResult r;
  r.cell = {.mechanism = mechanism, .length = 512, .batch = 1, .heads = 4, .head_size = 8};
  r.cell.layers = r.timed_layers = 3;
  r.state = state;
  r.timed_batch = 1, r.timed_heads = 4;
  r.error = {.error = 2e-7, .bound = 1e-5, .rows = 16};
  if (state != CellState::kMeasured) {
    r.reason = "so it was";
    return r;
  }
  r.samples_ns = {1e6, 1.1e6, 1.2e6, 1.3e6, 1.4e6, 1.5e6};
  r.median_ns = 1.25e6, r.p95_ns = 1.5e6, r.min_ns = 1e6, r.first_call_ns = 2e6;
  r.interval_ns = Interval{1e6, 1.5e6};
  r.gflops = 12, r.peak_gflops = 24, r.peak_share = 0.5;
  return r;
}

BatchFit made_fit(const char* mechanism) {
  BatchFit fit;
  fit.cell = {.mechanism = mechanism, .length = 512, .batch = 1, .heads = 4, .head_size = 8};
  return fit;
}

}  // namespace

BenchResult made_bench() {
  BenchResult result;
  result.level = Level::kModel, result.subject = "roberta-base";
  result.peaks = {{.threads = 1, .gflops = 12, .drift = 0.9},
                  {.threads = 2, .gflops = 24, .drift = 0.95},
                  {.threads = 2, .products = DType::kBF16, .gflops = 48, .drift = 0.95}};
  result.complete = false;
  CellResult quick = made_cell("linformer:k=4,sharing=layerwise", CellState::kMeasured);
  quick.needs_training = true;
  quick.score_deviation = 1.25;
  quick.timed_heads = 2;
  quick.ratios = {{.reference = "flash", .ratio = 2.5, .interval = Interval{2, 3}, .flops_ratio = 2.75},
                  {.reference = "standard", .ratio = 1.01, .interval = Interval{0.9, 1.1}}};
  CellResult wrong = made_cell("flash", CellState::kWrong);
  wrong.error.error = std::numeric_limits<double>::quiet_NaN();
  CellResult never = made_cell("standard", CellState::kInterrupted);
  never.error = {};
  result.cells = {quick, wrong, never, made_cell("standard", CellState::kTooLarge),
                  made_cell("standard", CellState::kFailed)};
  result.crossovers = {{.cell = quick.cell, .reference = "flash", .length = 300, .reason = {}},
                       {.cell = quick.cell, .reference = "standard", .length = {}, .reason = "never"}};
  result.scaling = {{.cell = quick.cell, .threads = 2, .speed_up = 1.9, .interval = Interval{1.8, 2}}};
  result.narrowing = {{.cell = quick.cell, .native_bf16 = true, .speed_up = 1.5, .interval = {}}};
  result.warnings = {{"drift", "noise"}};
  return result;
}

BatchFitResult made_batch_fit() {
  BatchFit fits = made_fit("flash");
  fits.one_bytes = 3000, fits.bytes_per_sequence = 2048.5, fits.largest_batch = 40;
  fits.measured = {{.batch = 1, .predicted = 1000, .measured = 1005},
                   {.batch = 2, .predicted = 2000, .measured = 2000}};
  fits.ratios = {{.reference = "standard", .batches = {}, .bytes = 4.5}};
  BatchFit large = made_fit("standard");
  large.keeps_probabilities = true;
  large.one_bytes = 5'000'000, large.bytes_per_sequence = 4e6;
  large.measured_reason = "its calls take longer than what is left of the budget";
  BatchFit never = made_fit("linformer:k=600,sharing=layerwise");
  never.reason = "too many slots";
  return {.level = Level::kLayer,
          .subject = "a layer",
          .limit_bytes = 100'000,
          .fits = {fits, large, never},
          .warnings = {{"threads", "many"}}};
}

}  // namespace linformer
