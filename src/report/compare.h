// SPDX-License-Identifier: MIT
// Whether two reports of the same thing differ by more than chance.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/order_statistics.h"
#include "report/report_file.h"
#include "report/table.h"

namespace linformer {

/// Below so many launches a side, samples within launches are what an interval is of.
inline constexpr size_t kLeastLaunches = 5;
/// Of all intervals of a comparison together (Bonferroni).
inline constexpr double kComparisonConfidence = 0.95;

/// A cell's time, or a statistic of a layer or of the model.
struct ComparedValue {
  std::string what;
  double a = 0, b = 0;               ///< geometric means over launches in ns; or means over sequences
  double ratio = 0;                  ///< b over a
  std::optional<Interval> interval;  ///< of the ratio; none with too few samples or units
  std::string verdict;
  bool regression = false;
};

struct ReportComparison {
  std::vector<ComparedValue> values;
  std::vector<std::string> only_one_side;  ///< cells that cannot be compared
  bool between_launches = false;           ///< intervals are of launches
};

/// What makes a comparison of these reports unfair, as "machine.cpu: this one | that one"; empty if nothing.
/// Throws Error(kUsage) if they are not all of one kind.
std::vector<std::string> differences_between(const std::vector<ReportFile>& a,
                                             const std::vector<ReportFile>& b);

/// Of reports of benches, the time of each cell, by Welch's t on logarithms: of the launches' medians from
/// kLeastLaunches a side on, else of all samples, and then the verdict is "between-run variance unknown". Of
/// spectra and accuracies, one a side, see compare_summaries.h. "~": nothing is sure. A regression is a cell
/// that is surely slower, a statistic that is surely different, or an error that is surely larger, by more
/// than the share `regression`. Throws Error(kUsage) for several spectra or accuracies a side and for other
/// kinds of reports, and what reading them throws.
ReportComparison compare_reports(const std::vector<ReportFile>& a, const std::vector<ReportFile>& b,
                                 double regression);

Table comparison_table(const ReportComparison& comparison);

}  // namespace linformer
