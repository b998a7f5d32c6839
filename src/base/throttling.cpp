// SPDX-License-Identifier: MIT
#include "base/throttling.h"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace linformer {

std::optional<int64_t> throttle_count(const std::string& root) {
  std::optional<int64_t> all;
  std::error_code error;
  for (std::filesystem::directory_iterator cpu(root + "/sys/devices/system/cpu", error), end;
       !error && cpu != end; cpu.increment(error)) {
    std::ifstream file(cpu->path() / "thermal_throttle/core_throttle_count");
    int64_t count = 0;
    if (file >> count) all = all.value_or(0) + count;
  }
  return all;
}

}  // namespace linformer
