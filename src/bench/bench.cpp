// SPDX-License-Identifier: MIT
#include "bench/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/threads.h"
#include "bench/budget.h"
#include "bench/conclude.h"
#include "bench/sampling.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

// Whether the error says that the cell cannot be, and notes it; other errors are not the cell's.
bool leave_out(CellResult& result, const Error& error) {
  const bool memory = error.code() == ErrorCode::kMemory;
  if (!memory && error.code() != ErrorCode::kUsage && error.code() != ErrorCode::kUnsupported) return false;
  result.state = memory ? CellState::kTooLarge : CellState::kUnsupported;
  result.reason = error.what();
  return true;
}

void require_fewer_slots(const BenchCell& cell) {
  const auto linformer = linformer_of(cell);
  if (!linformer || linformer->k < cell.length) return;
  throw Error(ErrorCode::kUsage, {.found = fmt::format("k = {} slots for n = {}", linformer->k, cell.length),
                                  .expected = "fewer slots than keys: else nothing is saved"});
}

// The whole cell must fit, even if less of it is timed.
void require_memory(const CellResult& r, int64_t limit) {
  if (r.bytes() <= limit) return;
  throw Error(ErrorCode::kMemory, {.found = fmt::format("needs {}", format_bytes(r.bytes())),
                                   .expected = fmt::format("at most {}", format_bytes(limit))});
}

class Bench {
 public:
  Bench(const std::vector<BenchCell>& cells, const Subject& subject, const BenchOptions& options, Run& run)
      : subject_(subject), options_(options), run_(run) {
    if (options.cold) flush_.emplace(run);
    result_.level = subject.level();
    result_.subject = subject.name();
    for (const BenchCell& cell : cells) result_.cells.push_back(predicted(cell, subject, run));
  }

  BenchResult run() {
    const double peak = options_.peak_gflops ? *options_.peak_gflops : peak_now();
    const std::vector<Group> groups =
        share_out(result_.cells, subject_, options_.budget_seconds, peak, run_.threads);
    for (size_t i = 0; i < groups.size() && !run_.stopped(); ++i) {
      run_group(groups[i]);
      if (run_.progress != nullptr)
        run_.progress->advance("shapes", static_cast<int64_t>(i) + 1, std::ssize(groups));
    }
    conclude(result_, peaks_, options_.references, options_.seed);
    return std::move(result_);
  }

 private:
  // What decides over budgets should not be a moment when others had the machine.
  double peak_now() const {
    constexpr int kTries = 10;
    double best = 0;
    for (int i = 0; i < kTries; ++i) best = std::max(best, measure_peak_gflops(run_.threads));
    return best;
  }

  void run_group(const Group& group) {
    const auto begin = std::chrono::steady_clock::now();
    Run run = run_;
    run.threads = group.timed.front().threads;
    const ThreadCount threads(run.threads);
    std::unique_ptr<Workbench> workbench;
    try {
      workbench = subject_.open(group.timed, run);
    } catch (const Error& error) {
      for (CellResult* result : group.results) {
        if (!leave_out(*result, error)) throw;
      }
      return;
    }
    std::vector<std::unique_ptr<Workload>> workloads;
    std::vector<CellResult*> ready;
    for (size_t i = 0; i < group.timed.size() && !run_.stopped(); ++i) {
      auto workload = make_ready(group.timed[i], *workbench, *group.results[i]);
      if (!workload) continue;
      workloads.push_back(std::move(workload));
      ready.push_back(group.results[i]);
    }
    const std::chrono::duration<double> used = std::chrono::steady_clock::now() - begin;
    take_samples(workloads, ready, group.seconds - used.count(), run);
  }

  // Null if the cell is not to be timed.
  std::unique_ptr<Workload> make_ready(const BenchCell& timed, Workbench& workbench, CellResult& result) {
    try {
      std::unique_ptr<Workload> workload = workbench.make_ready(timed);
      const FirstCall first = workload->first_call(options_.seed);
      result.timed_batch = timed.batch;
      result.timed_heads = timed.heads;
      result.timed_layers = timed.layers;
      result.first_call_ns = first.ns * result.scale();
      result.error = first.error;
      if (first.extra_bytes > 0) {
        result_.warnings.push_back(fmt::format("{} took {} beyond its workspace", name_of(result.cell),
                                               format_bytes(first.extra_bytes)));
      }
      if (first.error.error <= first.error.bound) return workload;
      result.state = CellState::kWrong;
      result.reason =
          fmt::format("differs from its f64 reference by {:.2g} of the largest value, more than {:.2g}",
                      first.error.error, first.error.bound);
    } catch (const Error& error) {
      if (!leave_out(result, error)) throw;
    }
    return nullptr;
  }

  void take_samples(const std::vector<std::unique_ptr<Workload>>& workloads,
                    const std::vector<CellResult*>& ready, double seconds, Run& run) {
    const double peak_before = measure_peak_gflops(run.threads);
    std::vector<Contender> contenders;
    for (size_t i = 0; i < ready.size(); ++i) {
      const double flops = ready[i]->flops / ready[i]->scale();
      contenders.push_back({.workload = workloads[i].get(), .least_seconds = flops / peak_before * 1e-9});
    }
    const Samples samples = sample(
        contenders, {.seed = options_.seed, .seconds = seconds, .flush = flush_ ? &*flush_ : nullptr}, run);
    std::vector<double>& peaks = peaks_[run.threads];
    peaks.insert(peaks.end(), samples.peaks.begin(), samples.peaks.end());
    const double peak =
        samples.peaks.empty() ? 0 : *std::max_element(samples.peaks.begin(), samples.peaks.end());
    for (size_t i = 0; i < samples.calls.size(); ++i) {
      CellResult& result = *ready[i];
      result.calls_per_sample = samples.calls[i];
      result.samples_ns = samples.ns[i];
      for (double& ns : result.samples_ns) ns *= result.scale();
      summarise_samples(result, peak);
    }
  }

  const Subject& subject_;
  BenchOptions options_;
  Run& run_;
  BenchResult result_;
  std::optional<CacheFlush> flush_;
  PeaksByThreads peaks_;
};

}  // namespace

CellResult predicted(const BenchCell& cell, const Subject& subject, Run& run) {
  CellResult result;
  result.cell = cell;
  result.needs_training = make_mechanism(cell.mechanism)->traits().fidelity == Fidelity::kNeedsTraining;
  Run with_threads = run;
  with_threads.threads = cell.threads;
  const ThreadCount threads(cell.threads);
  try {
    require_fewer_slots(cell);
    const CellPrediction p = subject.predict(cell, with_threads);
    result.flops = p.flops;
    result.tensor_bytes = p.tensor_bytes;
    result.workspace_bytes = p.workspace_bytes;
    result.parameter_bytes = p.parameter_bytes;
    require_memory(result, run.memory.limit_bytes());
  } catch (const Error& error) {
    if (!leave_out(result, error)) throw;
  }
  return result;
}

BenchResult bench(const std::vector<BenchCell>& cells, const Subject& subject, const BenchOptions& options,
                  Run& run) {
  return Bench(cells, subject, options, run).run();
}

}  // namespace linformer
