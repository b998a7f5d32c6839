// SPDX-License-Identifier: MIT
#pragma once

#include "bench/result.h"
#include "report/report_file.h"

namespace linformer {

/// The result that a bench report was written from: bench_report() of it gives the file's `results` again.
/// Throws Error(kInput) naming file and member for what is missing, of another type or does not fit the rest.
BenchResult read_bench(const ReportFile& file);

/// What reports about calls of mechanisms share.
DType read_dtype(const Field& field);
Level read_level(const Field& field);
std::vector<Warning> read_warnings(const Field& field);

}  // namespace linformer
