// SPDX-License-Identifier: MIT
// What every long computation is given: threads, memory, a way to be stopped, a way to tell how far it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/memory.h"

namespace linformer {

/// Set from a signal handler; computations look at it between units of work.
class StopFlag {
 public:
  void request() { requested_.store(true, std::memory_order_release); }
  bool requested() const { return requested_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> requested_{false};
};

/// Told after each unit of work, from one thread.
class Progress {
 public:
  virtual ~Progress() = default;
  /// `done` of `total` items named by `unit`, e.g. 3 of 20 "sequences".
  virtual void advance(std::string_view unit, int64_t done, int64_t total) = 0;
};

/// Passed down by reference; the pointers may be null.
struct Run {
  MemoryAccount& memory;
  int threads = 1;
  const StopFlag* stop = nullptr;
  Progress* progress = nullptr;

  bool stopped() const { return stop != nullptr && stop->requested(); }
};

}  // namespace linformer
