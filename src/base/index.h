// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace linformer {

/// A number that is known to be >= 0, as the standard containers index and size by.
inline size_t index(int64_t i) { return static_cast<size_t>(i); }

}  // namespace linformer
