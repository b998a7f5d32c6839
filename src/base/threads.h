// SPDX-License-Identifier: MIT
#pragma once

#include <omp.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

namespace linformer {

/// Sets how many threads OpenMP regions (oneDNN's too) use from now on, in the calling thread.
void set_thread_count(int threads);

/// Calls f(i, thread) for i in [0, count) on `threads` threads, handing out indices one by one, thread in
/// [0, threads). The first exception is rethrown here after the region; indices not begun by then are
/// skipped.
template <class F>
void parallel_for(int threads, int64_t count, F&& f) {
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  std::mutex guard;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (int64_t i = 0; i < count; ++i) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      f(i, omp_get_thread_num());
    } catch (...) {
      const std::lock_guard lock(guard);
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

/// Calls f(thread) once on each of `threads` threads, all at a time.
template <class F>
void on_each_thread(int threads, F&& f) {
#pragma omp parallel num_threads(threads)
  f(omp_get_thread_num());
}

/// While it lives, OpenMP regions (oneDNN's too) of this thread run on so many threads.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) { omp_set_num_threads(threads); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;
  ~ThreadCount() { omp_set_num_threads(before_); }
  /// How many they were.
  int before() const { return before_; }

 private:
  int before_ = omp_get_max_threads();
};

/// While it lives, they run on this thread alone.
class OneThread : public ThreadCount {
 public:
  OneThread() : ThreadCount(1) {}
};

}  // namespace linformer
