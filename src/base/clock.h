// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

namespace linformer {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace linformer
