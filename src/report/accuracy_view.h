// SPDX-License-Identifier: MIT
// Finding one's way in an AccuracyResult.
#pragma once

#include <string>
#include <vector>

#include "accuracy/result.h"

namespace linformer {

/// The cells of one method, by ascending k.
struct MethodCells {
  std::string method;
  std::vector<const CellAccuracy*> cells;  ///< into the result
};

/// In the order of the result.
std::vector<MethodCells> methods_of(const AccuracyResult& result);

/// The cell whose k is nearest to n/4; the first of two that are as near.
const CellAccuracy& nearest_to_quarter(const MethodCells& method, int64_t length);

}  // namespace linformer
