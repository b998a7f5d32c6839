// SPDX-License-Identifier: MIT
#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/machine.h"
#include "catch.h"

namespace linformer {
namespace {

TEST_CASE("a parallel loop visits every index once, on the threads it was given") {
  for (const int threads : {1, 2, 5}) {
    for (const int64_t count : {1, 2, 7, 1000}) {
      CAPTURE(threads, count);
      std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
      std::atomic<int> strangers{0};
      parallel_for(threads, count, [&](int64_t i, int thread) {
        ++visits[static_cast<size_t>(i)];
        if (thread < 0 || thread >= threads) ++strangers;
      });
      CHECK(std::all_of(visits.begin(), visits.end(), [](const auto& n) { return n == 1; }));
      CHECK(strangers == 0);
    }
  }
}

TEST_CASE("no thread number is used by two calls at once") {
  constexpr int kThreads = 4;
  std::vector<std::atomic<int>> busy(kThreads);
  std::atomic<int> clashes{0};
  parallel_for(kThreads, 2000, [&](int64_t, int thread) {
    if (++busy[static_cast<size_t>(thread)] != 1) ++clashes;
    --busy[static_cast<size_t>(thread)];
  });
  CHECK(clashes == 0);
}

TEST_CASE("a parallel loop over nothing calls nothing") {
  int calls = 0;
  parallel_for(3, 0, [&](int64_t, int) { ++calls; });
  CHECK(calls == 0);
}

TEST_CASE("an exception in a parallel loop comes out with its message, and the rest is skipped") {
  int calls = 0;
  const auto loop = [&] {
    parallel_for(1, 1000, [&](int64_t i, int) {
      ++calls;
      if (i >= 3) throw std::runtime_error("at " + std::to_string(i));
    });
  };
  CHECK_THROWS_WITH(loop(), "at 3");
  CHECK(calls == 4);
}

TEST_CASE("one exception comes out where several threads throw") {
  std::atomic<int> calls{0};
  const auto loop = [&] {
    parallel_for(4, 100000, [&](int64_t, int) {
      ++calls;
      throw std::out_of_range("no");
    });
  };
  CHECK_THROWS_AS(loop(), std::out_of_range);
  CHECK(calls >= 1);
  CHECK(calls <= 4);
}

TEST_CASE("the default number of threads is at least one and at most the CPUs allowed") {
  cpu_set_t mask;
  REQUIRE(sched_getaffinity(0, sizeof mask, &mask) == 0);
  CHECK(default_thread_count(read_machine()) >= 1);
  CHECK(default_thread_count(read_machine()) <= CPU_COUNT(&mask));
}

TEST_CASE("the default number of threads respects the quota that the machine's facts report") {
  const std::optional<double> quota = read_machine().cgroup_quota_cpus;
  if (quota) CHECK(default_thread_count(read_machine()) <= std::max(1.0, std::ceil(*quota)));
}

TEST_CASE("the default number of threads follows cores, quota and what is unknown") {
  MachineFacts machine;
  CHECK(default_thread_count(machine) == 1);
  machine.affinity_cpus = 8;
  CHECK(default_thread_count(machine) == 8);
  machine.affinity_cores = 4;
  CHECK(default_thread_count(machine) == 4);
  machine.cgroup_quota_cpus = 2.5;
  CHECK(default_thread_count(machine) == 3);
  machine.cgroup_quota_cpus = 0.1;
  CHECK(default_thread_count(machine) == 1);
  machine.cgroup_quota_cpus = 64;
  CHECK(default_thread_count(machine) == 4);
}

TEST_CASE("the number of threads can be set") {
  const int before = omp_get_max_threads();
  set_thread_count(3);
  CHECK(omp_get_max_threads() == 3);
  set_thread_count(before);
}

}  // namespace
}  // namespace linformer
