// SPDX-License-Identifier: MIT
#include "bench/result.h"

#include <fmt/format.h>

namespace linformer {

std::string name_of(const BenchCell& c) {
  return fmt::format("{} (n = {}, b = {}, h = {}, d = {})", c.mechanism, c.length, c.batch, c.heads,
                     c.head_size);
}

std::string_view name_of(CellState state) {
  switch (state) {
    case CellState::kMeasured:
      return "measured";
    case CellState::kTooLarge:
      return "too large";
    case CellState::kUnsupported:
      return "unsupported";
    case CellState::kWrong:
      return "wrong";
    case CellState::kInterrupted:
      break;
  }
  return "interrupted";
}

}  // namespace linformer
