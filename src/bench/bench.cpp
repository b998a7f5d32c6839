// SPDX-License-Identifier: MIT
#include "bench/bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/error.h"
#include "bench/comparison.h"
#include "bench/sampling.h"
#include "bench/sweep.h"
#include "bench/workload.h"

namespace linformer {
namespace {

// What a cell is guessed to reach of the peak before it is run.
constexpr double kGuessedShare = 0.5;
// Calls of a cell beside its samples: the check and the warm-up.
constexpr int64_t kOtherCalls = 2;

// The longest that a cell's calls may take so that all of them together keep within the budget: those that
// need less leave the rest to the others.
double fair_share(std::vector<double> needs, double budget) {
  std::sort(needs.begin(), needs.end());
  for (size_t i = 0; i < needs.size(); ++i) {
    const double share = budget / static_cast<double>(needs.size() - i);
    if (needs[i] >= share) return share;
    budget -= needs[i];
  }
  return needs.empty() ? budget : needs.back();
}

// Fewer sequences, then fewer heads, so that about this share of the work is left.
BenchCell reduced(BenchCell cell, double share, int threads) {
  if (share >= 1) return cell;
  const double batch = share * static_cast<double>(cell.batch);
  if (batch >= 1) {
    cell.batch = static_cast<int64_t>(batch);
    return cell;
  }
  const auto heads = static_cast<int64_t>(batch * static_cast<double>(cell.heads));
  cell.batch = 1;
  // Every thread has a head to itself, if there are as many.
  cell.heads = std::min<int64_t>(cell.heads, std::max<int64_t>(threads, heads / threads * threads));
  return cell;
}

CellResult new_result(const BenchCell& cell, int threads) {
  CellResult result;
  result.cell = cell;
  result.needs_training = make_mechanism(cell.mechanism)->traits().fidelity == Fidelity::kNeedsTraining;
  const CellPrediction p = predict(cell, threads);
  result.flops = p.flops;
  result.tensor_bytes = p.tensor_bytes;
  result.workspace_bytes = p.workspace_bytes;
  result.parameter_bytes = p.parameter_bytes;
  return result;
}

// Whether the error says that the cell cannot be, and notes it; other errors are not the cell's.
bool leave_out(CellResult& result, const Error& error) {
  const bool memory = error.code() == ErrorCode::kMemory;
  if (!memory && error.code() != ErrorCode::kUsage && error.code() != ErrorCode::kUnsupported) return false;
  result.state = memory ? CellState::kTooLarge : CellState::kUnsupported;
  result.reason = error.what();
  return true;
}

// The cells of one shape, with what each takes of time.
struct Group {
  std::vector<CellResult*> results;
  std::vector<BenchCell> timed;  ///< reduced
  double seconds = 0;            ///< the group's part of the budget
};

class Bench {
 public:
  Bench(const std::vector<BenchCell>& cells, const BenchOptions& options, Run& run)
      : options_(options), run_(run) {
    if (options.cold) flush_.emplace(run);
    for (const BenchCell& cell : cells) result_.cells.push_back(new_result(cell, run.threads));
  }

  BenchResult run() {
    // What decides over budgets should not be a moment when others had the machine.
    constexpr int kTries = 10;
    for (int i = 0; i < kTries; ++i)
      result_.peak_gflops = std::max(result_.peak_gflops, measure_peak_gflops(run_.threads));
    const std::vector<Group> all = groups();
    for (size_t i = 0; i < all.size() && !run_.stopped(); ++i) {
      run_group(all[i]);
      if (run_.progress != nullptr)
        run_.progress->advance("shapes", static_cast<int64_t>(i) + 1, std::ssize(all));
    }
    finish();
    return std::move(result_);
  }

 private:
  double seconds_of_samples(const CellResult& cell) const {
    const double gflops = kGuessedShare * result_.peak_gflops;
    return static_cast<double>(kLeastSamples + kOtherCalls) * cell.flops / gflops * 1e-9;
  }

  std::vector<Group> groups() {
    std::vector<double> needs;
    for (const CellResult& cell : result_.cells) needs.push_back(seconds_of_samples(cell));
    const double share = fair_share(needs, options_.budget_seconds);
    double all = 0;
    for (const double need : needs) all += std::min(need, share);
    std::vector<Group> groups;
    for (size_t i = 0; i < result_.cells.size(); ++i) {
      CellResult& cell = result_.cells[i];
      if (groups.empty() || !same_shape(groups.back().results.front()->cell, cell.cell))
        groups.emplace_back();
      Group& group = groups.back();
      group.results.push_back(&cell);
      group.timed.push_back(reduced(cell.cell, share / needs[i], run_.threads));
      group.seconds += options_.budget_seconds * std::min(needs[i], share) / all;
    }
    return groups;
  }

  // Tensors are those of the largest cell of the group.
  void run_group(const Group& group) {
    int64_t elements = 0;
    for (const BenchCell& cell : group.timed) {
      elements = std::max(elements, cell.batch * cell.heads * cell.length * cell.head_size);
    }
    std::optional<BenchTensors> tensors;
    try {
      tensors.emplace(elements, options_.score_deviation, options_.seed, run_);
    } catch (const Error& error) {
      for (CellResult* result : group.results) {
        if (!leave_out(*result, error)) throw;
      }
      return;
    }
    std::vector<std::unique_ptr<Workload>> workloads;
    std::vector<CellResult*> ready;
    for (size_t i = 0; i < group.timed.size() && !run_.stopped(); ++i) {
      auto workload = make_ready(group.timed[i], *tensors, *group.results[i]);
      if (!workload) continue;
      workloads.push_back(std::move(workload));
      ready.push_back(group.results[i]);
    }
    take_samples(workloads, ready, group.seconds);
  }

  // The whole cell must fit, even if less of it is timed.
  void require_memory(const CellResult& r) const {
    const int64_t bytes = r.tensor_bytes + r.workspace_bytes + r.parameter_bytes;
    if (bytes <= run_.memory.limit_bytes()) return;
    throw Error(ErrorCode::kMemory,
                {.found = fmt::format("needs {}", format_bytes(bytes)),
                 .expected = fmt::format("at most {}", format_bytes(run_.memory.limit_bytes()))});
  }

  // Null if the cell is not to be timed.
  std::unique_ptr<Workload> make_ready(const BenchCell& timed, const BenchTensors& tensors,
                                       CellResult& result) {
    try {
      require_memory(result);
      auto workload = std::make_unique<Workload>(shape_of(timed), options_.make(timed.mechanism), tensors,
                                                 options_.seed, run_);
      const FirstCall first = workload->first_call(options_.seed);
      result.timed_batch = timed.batch;
      result.timed_heads = timed.heads;
      result.first_call_ns = first.ns * scale_of(result);
      result.error = first.error;
      if (first.extra_bytes > 0) {
        result_.warnings.push_back(fmt::format("{} took {} beyond its workspace", name_of(result.cell),
                                               format_bytes(first.extra_bytes)));
      }
      if (first.error.error <= first.error.bound) return workload;
      result.state = CellState::kWrong;
      result.reason =
          fmt::format("differs from its f64 reference by {:.2g} of the largest |O|, more than {:.2g}",
                      first.error.error, first.error.bound);
    } catch (const Error& error) {
      if (!leave_out(result, error)) throw;
    }
    return nullptr;
  }

  static double scale_of(const CellResult& r) {
    return static_cast<double>(r.cell.batch * r.cell.heads) /
           static_cast<double>(r.timed_batch * r.timed_heads);
  }

  void take_samples(const std::vector<std::unique_ptr<Workload>>& workloads,
                    const std::vector<CellResult*>& ready, double seconds) {
    std::vector<Workload*> pointers;
    for (const auto& workload : workloads) pointers.push_back(workload.get());
    const Samples samples = sample(
        pointers, {.seed = options_.seed, .seconds = seconds, .flush = flush_ ? &*flush_ : nullptr}, run_);
    peaks_.insert(peaks_.end(), samples.peaks.begin(), samples.peaks.end());
    const double peak =
        samples.peaks.empty() ? 0 : *std::max_element(samples.peaks.begin(), samples.peaks.end());
    for (size_t i = 0; i < samples.calls.size(); ++i) {
      CellResult& result = *ready[i];
      result.calls_per_sample = samples.calls[i];
      result.samples_ns = samples.ns[i];
      summarise_samples(result, peak);
    }
  }

  void summarise_samples(CellResult& r, double peak) {
    for (double& ns : r.samples_ns) ns *= scale_of(r);
    if (std::ssize(r.samples_ns) < kLeastSamples) {
      r.reason = fmt::format("stopped after {} samples", r.samples_ns.size());
      return;
    }
    r.state = CellState::kMeasured;
    std::vector<double> sorted = r.samples_ns;
    std::sort(sorted.begin(), sorted.end());
    r.median_ns = quantile(sorted, 0.5);
    r.p95_ns = quantile(sorted, 0.95);
    r.min_ns = sorted.front();
    r.interval_ns = median_interval(sorted, kBenchConfidence);
    r.gflops = r.flops / r.median_ns;
    r.peak_share = r.gflops / peak;
  }

  void finish() {
    for (CellResult& cell : result_.cells) {
      if (cell.state == CellState::kInterrupted && cell.reason.empty())
        cell.reason = "stopped before its turn";
    }
    result_.complete = std::none_of(result_.cells.begin(), result_.cells.end(), [](const CellResult& cell) {
      return cell.state == CellState::kInterrupted;
    });
    add_ratios(result_.cells, options_.references, options_.seed);
    result_.growth = growth_of(result_.cells, options_.seed);
    result_.crossovers = crossovers_of(result_.cells, options_.references);
    if (peaks_.empty()) return;
    std::sort(peaks_.begin(), peaks_.end());
    result_.peak_gflops = peaks_.back();
    result_.drift = quantile(peaks_, 0.1) / peaks_.back();
    add_warnings();
  }

  void add_warnings() {
    constexpr double kLeastDrift = 0.9, kMostSpread = 0.1;
    if (result_.drift < kLeastDrift) {
      result_.warnings.push_back(fmt::format(
          "in a tenth of the rounds the FMA peak was below {:.0f} % of its best: the clock changes or "
          "others use the machine",
          100 * result_.drift));
    }
    for (const CellResult& cell : result_.cells) {
      if (!cell.measured() || !cell.interval_ns) continue;
      const double spread = (cell.interval_ns->high - cell.interval_ns->low) / cell.median_ns;
      if (spread <= kMostSpread) continue;
      result_.warnings.push_back(
          fmt::format("{}: the median's interval is {:.0f} % wide", name_of(cell.cell), 100 * spread));
    }
#ifndef NDEBUG
    result_.warnings.emplace_back("a debug build: times mean little");
#endif
  }

  BenchOptions options_;
  Run& run_;
  BenchResult result_;
  std::optional<CacheFlush> flush_;
  std::vector<double> peaks_;
};

}  // namespace

CellPrediction predict(const BenchCell& cell, int threads) {
  const AttentionShape s = shape_of(cell);
  const auto mechanism = make_mechanism(cell.mechanism);
  CellPrediction p{.flops = mechanism->flops(s),
                   .tensor_bytes = BenchTensors::bytes(s),
                   .workspace_bytes = mechanism->workspace_bytes(s, threads, false)};
  for (const ParameterSpec& spec : mechanism->parameters(s)) {
    p.parameter_bytes += element_count(spec.shape).value() * static_cast<int64_t>(sizeof(float));
  }
  return p;
}

BenchResult bench(const std::vector<BenchCell>& cells, const BenchOptions& options, Run& run) {
  return Bench(cells, options, run).run();
}

}  // namespace linformer
