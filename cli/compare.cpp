// SPDX-License-Identifier: MIT
#include "compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/parse.h"
#include "report/compare.h"
#include "report/numbers.h"
#include "terminal.h"

namespace linformer::cli {
namespace {

std::vector<ReportFile> open_side(const std::string& side) {
  namespace fs = std::filesystem;
  std::vector<std::string> paths = split_at_commas({side});
  if (fs::is_directory(side)) {
    paths.clear();
    for (const fs::directory_entry& entry : fs::directory_iterator(side))
      if (entry.path().extension() == ".json") paths.push_back(entry.path().string());
    std::ranges::sort(paths);
  }
  std::vector<ReportFile> files;
  for (const std::string& path : paths) files.push_back(open_report(path));
  if (!files.empty()) return files;
  throw Error(ErrorCode::kInput, {.subject = side, .found = "no .json file", .expected = "reports"});
}

}  // namespace

int compare(const CompareOptions& o, const Session& session) {
  const double regression = parse_share(o.regression, "--regression");
  const std::vector<ReportFile> a = open_side(o.sides[0]), b = open_side(o.sides[1]);
  const std::vector<std::string> differences = differences_between(a, b);
  if (!differences.empty() && !o.force) {
    throw Error(ErrorCode::kUsage, {.subject = "--compare",
                                    .found = fmt::format("{}", fmt::join(differences, "; ")),
                                    .expected = "the same machine and input on both sides",
                                    .remedy = "--force compares them all the same"});
  }
  for (const std::string& difference : differences) session.note("different: " + difference);
  const ReportComparison comparison = compare_reports(a, b, regression);
  print(rendered(comparison_table(comparison), session.options().format));
  for (const std::string& what : comparison.only_one_side) session.note("on one side only: " + what);
  const auto regressions = std::ranges::count(comparison.values, true, &ComparedValue::regression);
  if (regressions == 0) return 0;
  message(fmt::format("linformer: {} beyond {}", counted(regressions, "regression"), o.regression));
  return 1;
}

}  // namespace linformer::cli
