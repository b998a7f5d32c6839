// SPDX-License-Identifier: MIT
// What a bench keeps on the disk, so that one that was interrupted can go on.
#pragma once

#include <string>
#include <vector>

#include "bench/conclude.h"
#include "bench/result.h"

namespace linformer {

/// All that a report follows from, beside the options.
struct BenchProgress {
  std::vector<CellResult> cells;  ///< of the whole sweep
  Peaks peaks;                    ///< of the rounds so far
  double seconds = 0;             ///< that it has taken
};

/// Writes the cells that are done, with all their samples, a JSON object a line, into a journal
/// (io/journal.h).
void save_progress(const BenchProgress& progress, const std::string& path, const std::string& identity);

/// Puts back what was saved into `progress`, whose cells are the same sweep's, as predicted. Throws the
/// errors of read_journal.
void load_progress(BenchProgress& progress, const std::string& path, const std::string& identity);

}  // namespace linformer
