// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace linformer {

/// A row stride for `cols` f32, one cache line more than whole lines: rows of a power-of-two length would
/// share a few cache sets.
inline int64_t padded_stride(int64_t cols) { return (cols + 15) / 16 * 16 + 16; }

}  // namespace linformer
