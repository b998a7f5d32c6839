// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace linformer {

/// `floats` or a few more: whole cache lines.
inline int64_t whole_lines(int64_t floats) { return (floats + 15) / 16 * 16; }

/// Bytes of the whole cache lines that `count` of T take.
template <class T>
int64_t line_bytes(int64_t count) {
  constexpr int64_t kLine = 64;
  return (count * static_cast<int64_t>(sizeof(T)) + kLine - 1) / kLine * kLine;
}

/// A row stride for `cols` f32, one cache line more than whole lines: rows of a power-of-two length would
/// share a few cache sets.
inline int64_t padded_stride(int64_t cols) { return whole_lines(cols) + 16; }

}  // namespace linformer
