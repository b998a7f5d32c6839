// SPDX-License-Identifier: MIT
// The pictures of what replacing attention costs.
#pragma once

#include <string>
#include <vector>

#include "accuracy/result.h"
#include "report/figure.h"
#include "report/report_file.h"

namespace linformer {

struct AccuracyFile {
  ReportFile file;
  AccuracyResult result;
};

/// "PREFIX-error" and "PREFIX-skill" of heads against k, a line a method; "PREFIX-loss", or "PREFIX-hidden"
/// of a model without a loss, the same of the model with all layers replaced, if that was measured; and
/// "PREFIX-sensitivity", by layer, at the k nearest to n/4: what that layer alone costs the model, or the
/// skill of its heads. Methods without k are drawn across. Those that are exact, as a check, and those that
/// mean nothing without training are left out. None of a run without sequences.
std::vector<Figure> accuracy_figures(const AccuracyFile& accuracy, const std::string& prefix);

}  // namespace linformer
