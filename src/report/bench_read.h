// SPDX-License-Identifier: MIT
#pragma once

#include "bench/result.h"
#include "report/report_file.h"

namespace linformer {

/// The result that a bench report was written from: bench_report() of it gives the file's `results` again.
/// Throws Error(kInput) naming file and member for what is missing, of another type or does not fit the rest.
BenchResult read_bench(const ReportFile& file);

}  // namespace linformer
