// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace linformer {

/// How often cores of this machine were slowed down for heat since it was started, from /sys; nothing where
/// it does not say so (virtual machines, ARM). `root` is put before the path.
std::optional<int64_t> throttle_count(const std::string& root = "");

}  // namespace linformer
