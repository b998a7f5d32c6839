// SPDX-License-Identifier: MIT
#include "report/accuracy_view.h"

#include <algorithm>
#include <cstdlib>

namespace linformer {

std::vector<MethodCells> methods_of(const AccuracyResult& result) {
  std::vector<MethodCells> methods;
  for (const CellAccuracy& cell : result.cells) {
    auto method = std::ranges::find(methods, cell.cell.method, &MethodCells::method);
    if (method == methods.end()) method = methods.insert(method, {.method = cell.cell.method, .cells = {}});
    method->cells.push_back(&cell);
  }
  for (MethodCells& method : methods)
    std::ranges::stable_sort(method.cells, {}, [](const CellAccuracy* cell) { return cell->cell.k; });
  return methods;
}

const CellAccuracy& nearest_to_quarter(const MethodCells& method, int64_t length) {
  const auto distance = [&](const CellAccuracy* cell) { return std::abs(cell->cell.k - length / 4); };
  return **std::ranges::min_element(method.cells, {}, distance);
}

}  // namespace linformer
