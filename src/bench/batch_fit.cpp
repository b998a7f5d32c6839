// SPDX-License-Identifier: MIT
#include "bench/batch_fit.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "bench/batch_sizes.h"
#include "bench/budget.h"
#include "bench/prediction.h"
#include "bench/sampling.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

constexpr int64_t kMeasuredBatches[] = {1, 2};

BatchFit fit(const BenchCell& cell, const Subject& subject, int64_t limit, const Run& run) {
  BatchFit fit;
  fit.cell = cell;
  fit.cell.batch = 1;
  try {
    fit.keeps_probabilities = make_mechanism(cell.mechanism)->traits().keeps_probabilities;
    BatchSizes sizes(cell, subject, run);
    const int64_t largest = sizes.largest(limit), last = std::max<int64_t>(2, largest);
    if (largest > 0) fit.largest_batch = largest;
    fit.one_bytes = sizes.of(1).bytes();
    fit.bytes_per_sequence =
        static_cast<double>(sizes.of(last).bytes() - fit.one_bytes) / static_cast<double>(last - 1);
  } catch (const std::exception& failure) {
    fit.reason = failure.what();
  }
  return fit;
}

// What one call takes, with what is held already: an account of its own has its high-water mark.
int64_t bytes_of_call(const BenchCell& cell, const Subject& subject, const Run& run) {
  const int64_t held = run.memory.current_bytes();
  MemoryAccount account(run.memory.limit_bytes() - held);
  Run own{.memory = account, .threads = cell.threads, .stop = run.stop};
  const ThreadCount threads(cell.threads);
  const std::unique_ptr<Workbench> workbench = subject.open({&cell, 1}, own);
  workbench->make_ready(cell)->call();
  return held + account.peak_bytes();
}

void measure(BatchFit& fit, const Subject& subject, const Run& run) {
  try {
    for (const int64_t batch : kMeasuredBatches) {
      BenchCell cell = fit.cell;
      cell.batch = batch;
      const int64_t predicted = predict(cell, subject, run).bytes();
      fit.measured.push_back(
          {.batch = batch, .predicted = predicted, .measured = bytes_of_call(cell, subject, run)});
    }
  } catch (const std::exception& failure) {
    fit.measured_reason = failure.what();
  }
}

// Of the calls of one cell.
double seconds_of_calls(const BatchFit& fit, const Subject& subject, double peak_gflops, const Run& run) {
  const double gflops = peak_gflops * fit.cell.threads / run.threads;
  return 3 * guessed_seconds(predict(fit.cell, subject, run).flops, gflops);
}

void measure_all(BatchFitResult& result, const Subject& subject, const BatchFitOptions& options, Run& run) {
  const double peak = options.peak_gflops ? *options.peak_gflops : measure_peak_gflops(run.threads);
  std::vector<std::pair<double, BatchFit*>> possible;  // by their seconds: the cheapest come first
  for (BatchFit& fit : result.fits)
    if (fit.reason.empty()) possible.emplace_back(seconds_of_calls(fit, subject, peak, run), &fit);
  std::ranges::stable_sort(possible, {}, [](const auto& one) { return one.first; });
  double used = 0;
  for (size_t i = 0; i < possible.size(); ++i) {
    const auto& [seconds, fit] = possible[i];
    used += seconds;
    if (run.stopped()) {
      fit->measured_reason = "stopped before its turn";
      result.complete = false;
    } else if (used > options.budget_seconds) {
      fit->measured_reason = "its calls take longer than what is left of the budget";
    } else {
      measure(*fit, subject, run);
    }
    if (run.progress != nullptr)
      run.progress->advance("cells", static_cast<int64_t>(i) + 1, std::ssize(possible));
  }
}

void add_ratios(std::vector<BatchFit>& fits, const std::vector<std::string>& references) {
  for (BatchFit& fit : fits) {
    for (const std::string& name : references) {
      const auto reference = std::ranges::find_if(fits, [&](const BatchFit& other) {
        return other.reason.empty() && other.cell.mechanism == name && other.cell.dtype == fit.cell.dtype &&
               same_shape(other.cell, fit.cell);
      });
      if (!fit.reason.empty() || reference == fits.end() || &*reference == &fit) continue;
      FitRatio& ratio = fit.ratios.emplace_back();
      ratio.reference = name;
      ratio.bytes = reference->bytes_per_sequence / fit.bytes_per_sequence;
      if (fit.largest_batch && reference->largest_batch)
        ratio.batches =
            static_cast<double>(*fit.largest_batch) / static_cast<double>(*reference->largest_batch);
    }
  }
}

}  // namespace

BatchFitResult fit_batches(const std::vector<BenchCell>& cells, const Subject& subject,
                           const BatchFitOptions& options, Run& run) {
  BatchFitResult result{.level = subject.level(),
                        .subject = subject.name(),
                        .limit_bytes = options.limit_bytes,
                        .fits = {},
                        .warnings = {}};
  for (const BenchCell& cell : cells) result.fits.push_back(fit(cell, subject, options.limit_bytes, run));
  add_ratios(result.fits, options.references);
  measure_all(result, subject, options, run);
  return result;
}

}  // namespace linformer
