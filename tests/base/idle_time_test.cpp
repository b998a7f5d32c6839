// SPDX-License-Identifier: MIT
#include "base/idle_time.h"

#include "catch.h"

namespace linformer {

TEST_CASE("a timed parallel loop tells how long threads waited for the last of them") {
  const auto work = [](int64_t milliseconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    while (std::chrono::steady_clock::now() < end) {
    }
  };
  double idle = 0;
  parallel_for_timed(2, 1, idle, [&](int64_t, int) { work(40); });  // the other thread has nothing to do
  CHECK(idle >= 0.03);
  double alone = 0;
  const auto begin = std::chrono::steady_clock::now();
  parallel_for_timed(1, 4, alone, [&](int64_t, int) { work(10); });
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
  CHECK(alone <= 0.5 * all.count());
}

}  // namespace linformer
