// SPDX-License-Identifier: MIT
// The pictures of a bench, and the tables of what it saves; the paper's Figure 2 is `time`, its Table 3 is
// saved_tables().
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"
#include "report/figure.h"
#include "report/report_file.h"
#include "report/table.h"

namespace linformer {

struct BenchFile {
  ReportFile file;
  BenchResult result;
};

/// Of each kind of cells (heads, head size, batch, threads) that has two lengths or more: "PREFIX-time", time
/// against n with fitted slopes and the crossovers marked, and "PREFIX-memory"; with the kind at the end of
/// the name where there are several.
std::vector<Figure> bench_figures(const BenchFile& bench, const std::string& prefix);

struct BatchFitFile {
  ReportFile file;
  BatchFitResult result;
};

/// Of each kind of cells that has two lengths or more, "PREFIX-batch": bytes that one more sequence takes
/// against n; the same ending where there are several kinds.
std::vector<Figure> batch_fit_figures(const BatchFitFile& fits, const std::string& prefix);

/// Of each kind of cells and each reference: how many times the time, and how many times the memory, each
/// mechanism saves; a row a length. "-": a mechanism that cannot be there (as many slots as keys); "": not
/// measured.
std::vector<Table> saved_tables(const BenchResult& result);

}  // namespace linformer
