// SPDX-License-Identifier: MIT
// A report of the batches that fit as the result it was written from.
#pragma once

#include "bench/result.h"
#include "report/report_file.h"

namespace linformer {

/// batch_fit_report() of it gives the file's `results` again. Throws Error(kInput) naming file and member for
/// what is missing or of another type.
BatchFitResult read_batch_fit(const ReportFile& file);

}  // namespace linformer
