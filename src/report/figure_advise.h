// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "advise/result.h"
#include "report/figure.h"
#include "report/report_file.h"

namespace linformer {

struct AdviceFile {
  ReportFile file;
  AdviceResult result;
};

/// "PREFIX-pareto": what is lost against the time of a sequence, a mark for each way to run the model, exact
/// attention (flash) among them; the goal, and the frontier of the ways that no other is at once faster than
/// and nearer. Where losses are far above the goal, the axis is linear up to about the goal and logarithmic
/// beyond. None without points.
std::vector<Figure> advice_figures(const AdviceFile& advice, const std::string& prefix);

}  // namespace linformer
