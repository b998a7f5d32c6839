// SPDX-License-Identifier: MIT
// An accuracy report as the result it was written from.
#pragma once

#include "accuracy/result.h"
#include "report/report_file.h"

namespace linformer {

/// accuracy_results() of it gives the file's `results` again. Of single heads the report has means alone, so
/// their summaries have no interval and the mean as every quantile; an infinite divergence is NaN. Throws
/// Error(kInput) naming file and member for what is missing, of another type or does not fit the rest.
AccuracyResult read_accuracy(const ReportFile& file);

}  // namespace linformer
