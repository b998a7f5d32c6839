// SPDX-License-Identifier: MIT
#pragma once

#include <exception>

#include "bench/result.h"

namespace linformer {

/// The state and reason of a cell that threw this: too large, unsupported (a cell that cannot be), or failed,
/// where it is a fault of the program.
void note_failure(CellResult& result, const std::exception& failure);

/// Calls f for a cell: one that fails does not stop the others. Whether it did not throw.
template <class F>
bool attempt(CellResult& result, F&& f) {
  try {
    f();
    return true;
  } catch (const std::exception& failure) {
    note_failure(result, failure);
    return false;
  }
}

}  // namespace linformer
