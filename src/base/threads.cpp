// SPDX-License-Identifier: MIT
#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <utility>

namespace linformer {
namespace {

int read_int(const std::string& path, int fallback) {
  std::ifstream file(path);
  int value = fallback;
  return file >> value ? value : fallback;
}

// Distinct (package, core) pairs among the CPUs this process may use.
int physical_cores() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  std::set<std::pair<int, int>> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    cores.emplace(read_int(folder + "physical_package_id", 0), read_int(folder + "core_id", cpu));
  }
  return static_cast<int>(cores.size());
}

// The smallest quota of the cgroup v2 and those above it, in whole CPUs, rounded up; a large number where
// there is none.
int cgroup_quota() {
  int least = 1 << 20;
  std::ifstream self("/proc/self/cgroup");
  std::string line;
  while (std::getline(self, line)) {
    if (line.rfind("0::", 0) != 0) continue;
    for (std::string group = line.substr(3);; group.resize(group.rfind('/'))) {
      std::ifstream file("/sys/fs/cgroup" + group + "/cpu.max");
      double quota = 0, period = 0;
      if (file >> quota >> period && period > 0) {
        least = std::min(least, std::max(1, static_cast<int>(std::ceil(quota / period))));
      }
      if (group.find('/') == std::string::npos) break;
    }
  }
  return least;
}

}  // namespace

int default_thread_count() { return std::max(1, std::min(physical_cores(), cgroup_quota())); }

void set_thread_count(int threads) { omp_set_num_threads(threads); }

}  // namespace linformer
