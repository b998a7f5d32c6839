// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/threads.h"

namespace linformer {

/// parallel_for(threads, count, f); adds the seconds that threads waited for the last of them, all together,
/// to `idle`.
template <class F>
void parallel_for_timed(int threads, int64_t count, double& idle, F&& f) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  std::vector<double> busy(static_cast<size_t>(threads));
  const Clock::time_point begin = Clock::now();
  parallel_for(threads, count, [&](int64_t i, int thread) {
    const Clock::time_point began = Clock::now();
    f(i, thread);
    busy[static_cast<size_t>(thread)] += since(began);
  });
  idle += std::max(0.0, threads * since(begin) - std::accumulate(busy.begin(), busy.end(), 0.0));
}

}  // namespace linformer
