// SPDX-License-Identifier: MIT
#include "base/throttling.h"

#include <filesystem>

#include "catch.h"
#include "io/temporary_folder.h"

namespace linformer {

TEST_CASE("throttling is counted over all cores, and not at all where the machine does not count it") {
  const TemporaryFolder folder;
  CHECK_FALSE(throttle_count(folder.path("")));
  const std::string cpus = folder.path("") + "/sys/devices/system/cpu";
  std::filesystem::create_directories(cpus + "/cpufreq");
  CHECK_FALSE(throttle_count(folder.path("")));
  for (const char* cpu : {"cpu0", "cpu1", "cpu10"})
    std::filesystem::create_directories(cpus + "/" + cpu + "/thermal_throttle");
  const std::string end = "/thermal_throttle/core_throttle_count";
  folder.put("sys/devices/system/cpu/cpu0" + end, "3\n");
  folder.put("sys/devices/system/cpu/cpu10" + end, "4\n");
  CHECK(throttle_count(folder.path("")) == 7);
}

}  // namespace linformer
