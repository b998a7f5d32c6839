// SPDX-License-Identifier: MIT
// Finding one's way in a BenchResult.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/result.h"

namespace linformer {

/// Cells that differ in nothing but mechanism and length (and batch, where tokens are given), in the order of
/// the result.
struct CellGroup {
  BenchCell first;
  std::vector<const CellResult*> cells;  ///< into the result

  std::vector<int64_t> lengths() const;         ///< ascending, each once
  std::vector<std::string> mechanisms() const;  ///< in order, each once
  /// Null if there is none.
  const CellResult* find(const std::string& mechanism, int64_t length) const;
  /// "b = 1, h = 12, d = 64, 2 threads".
  std::string sizes() const;
  /// The same for a file's name, "b1-h12-d64-t2".
  std::string file_part() const;
};

std::vector<CellGroup> groups_of(const BenchResult& result);

/// The ratio to that reference, or null.
const Ratio* ratio_to(const CellResult& cell, const std::string& reference);

/// The references that any of the cells has a ratio to, in their order.
std::vector<std::string> references_of(const std::vector<const CellResult*>& cells);

/// Names for a picture or a table of these mechanisms: "linformer k=128" where the other options are those of
/// every linformer among them, else as they are. In the same order.
std::vector<std::string> short_names(const std::vector<std::string>& mechanisms);

}  // namespace linformer
