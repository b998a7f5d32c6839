// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace linformer {

/// `floats` or a few more: whole cache lines.
inline int64_t whole_lines(int64_t floats) { return (floats + 15) / 16 * 16; }

/// A row stride for `cols` f32, one cache line more than whole lines: rows of a power-of-two length would
/// share a few cache sets.
inline int64_t padded_stride(int64_t cols) { return whole_lines(cols) + 16; }

}  // namespace linformer
