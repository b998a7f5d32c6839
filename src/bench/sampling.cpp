// SPDX-License-Identifier: MIT
#include "bench/sampling.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "base/threads.h"
#include "bench/result.h"
#include "kernels/bf16_peak.h"
#include "kernels/fma_peak.h"

namespace linformer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kOrderPurpose = 0xc0;
constexpr int64_t kMostCalls = 1'000'000;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Seconds of one call, over `calls` of them.
double time_calls(Workload& workload, int64_t calls) {
  const Clock::time_point begin = Clock::now();
  for (int64_t i = 0; i < calls; ++i) workload.call();
  return seconds_since(begin) / static_cast<double>(calls);
}

// The quickest call of a warm-up.
double warm_up(Workload& workload, const Run& run) {
  const Clock::time_point begin = Clock::now();
  double quickest = time_calls(workload, 1);
  while (!run.stopped() && seconds_since(begin) < kWarmUpSeconds)
    quickest = std::min(quickest, time_calls(workload, 1));
  return quickest;
}

// How many calls make a sample; after a warm-up, where that says more than one call.
int64_t calls_of(const Contender& contender, const SamplingOptions& options, const Run& run) {
  if (options.flush != nullptr || contender.least_seconds > kWarmUpSeconds) return 1;
  const double calls = std::ceil(options.least_sample_seconds / warm_up(*contender.workload, run));
  return std::clamp<int64_t>(static_cast<int64_t>(calls), 1, kMostCalls);
}

std::vector<size_t> shuffled(size_t count, uint64_t seed, uint64_t round) {
  Random random({.seed = seed, .purpose = kOrderPurpose, .index = round});
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(static_cast<uint32_t>(i))]);
  return order;
}

}  // namespace

CacheFlush::CacheFlush(Run& run)
    : buffer_(run.memory, kBytes / static_cast<int64_t>(sizeof(float)), "cold caches") {}

void CacheFlush::run(int threads) {
  constexpr int64_t kPart = 1 << 18;
  parallel_for(threads, buffer_.size() / kPart, [&](int64_t part, int) {
    float* const data = buffer_.data() + part * kPart;
    for (int64_t i = 0; i < kPart; ++i) data[i] = data[i] * 0.5f + 1.0f;
  });
}

double measure_peak_gflops(int threads, DType products) {
  const bool narrow = products == DType::kBF16;
  const auto burst_of = narrow ? bf16_burst : fma_burst;
  const int64_t rounds = narrow ? 15'000 : 100'000;  // about half a millisecond
  constexpr int kBursts = 2;
  double best = 0;
  for (int burst = 0; burst < kBursts; ++burst) {
    std::vector<double> operations(static_cast<size_t>(threads));
    const Clock::time_point begin = Clock::now();
    on_each_thread(threads, [&](int i) { operations[static_cast<size_t>(i)] = burst_of(rounds); });
    const double all = std::accumulate(operations.begin(), operations.end(), 0.0);
    best = std::max(best, all / seconds_since(begin) * 1e-9);
  }
  return best;
}

Samples sample(std::span<const Contender> contenders, const SamplingOptions& options, Run& run) {
  Samples samples;
  samples.ns.resize(contenders.size()), samples.calls.resize(contenders.size());
  samples.failures.resize(contenders.size());
  samples.peaks[DType::kF32];
  for (const Contender& contender : contenders) samples.peaks[contender.products];
  const auto attempt = [&](size_t i, const auto& f) {
    if (samples.failures[i] != nullptr || run.stopped()) return;
    try {
      f();
    } catch (...) {
      samples.failures[i] = std::current_exception();
    }
  };
  for (size_t i = 0; i < contenders.size(); ++i)
    attempt(i, [&] { samples.calls[i] = calls_of(contenders[i], options, run); });
  const Clock::time_point begin = Clock::now();
  const auto failed = [](const std::exception_ptr& failure) { return failure != nullptr; };
  for (int64_t round = 0; round < kMostRounds && !std::ranges::all_of(samples.failures, failed); ++round) {
    if (run.stopped() || (round >= kLeastSamples && seconds_since(begin) >= options.seconds)) break;
    for (auto& [products, rounds] : samples.peaks)
      rounds.push_back(measure_peak_gflops(run.threads, products));
    for (const size_t i : shuffled(contenders.size(), options.seed, static_cast<uint64_t>(round))) {
      attempt(i, [&] {
        if (options.flush != nullptr) options.flush->run(run.threads);
        samples.ns[i].push_back(time_calls(*contenders[i].workload, samples.calls[i]) * 1e9);
      });
    }
  }
  return samples;
}

}  // namespace linformer
