// SPDX-License-Identifier: MIT
// Advice as the result that its report was written from.
#pragma once

#include "advise/result.h"
#include "report/report_file.h"

namespace linformer {

/// advise_report() of it gives the file's `results` again. Throws Error(kInput) naming file and member for
/// what is missing or of another type.
AdviceResult read_advice(const ReportFile& file);

}  // namespace linformer
