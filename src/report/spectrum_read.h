// SPDX-License-Identifier: MIT
// A spectrum report as the result it was written from.
#pragma once

#include <string>
#include <string_view>

#include "report/report_file.h"
#include "spectrum/result.h"

namespace linformer {

/// The result without the whole curves, which are not in the report: spectrum_results() of it gives the
/// file's `results` again. Throws Error(kInput) naming file and member for what is missing, of another type
/// or does not fit the rest.
SpectrumResult read_spectrum(const ReportFile& file);

/// Makes the curves that are in the report itself, at `curves_at`, the curves of its layers; bands are not in
/// it. Whether there were any.
bool take_curves_of_report(SpectrumResult& result);

/// Where the report's curves are if they were written and have stayed beside it: the file name of
/// `curves_csv` in the report's folder. Empty if there were none.
std::string curves_path(const ReportFile& file);

/// Puts the curves of write_curves_csv() back into a result that lacks them. `subject` names the text in the
/// Error(kInput) that is thrown with the line where it does not fit the result.
void read_curves_csv(std::string_view text, const std::string& subject, SpectrumResult& result);

}  // namespace linformer
