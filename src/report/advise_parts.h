// SPDX-License-Identifier: MIT
// What advise joins, read from reports, and whether it belongs together.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "accuracy/result.h"
#include "bench/result.h"
#include "report/report_file.h"
#include "spectrum/result.h"

namespace linformer {

/// Paths; empty: not read.
struct AdviseReports {
  std::string accuracy, spectrum;
  std::vector<std::string> benches;  ///< of a model, of attention alone, or one of each
};

struct AdviseParts {
  std::optional<AccuracyResult> accuracy;
  std::optional<SpectrumResult> spectrum;
  std::optional<BenchResult> model;      ///< whole cells that are no batch, at any length
  std::optional<BenchResult> attention;  ///< attention alone
  std::vector<ReportFile> files;         ///< all that were read

  /// Whether nothing is left that a model is needed for. Attention alone may be missing.
  bool complete() const { return accuracy && spectrum && model; }
};

/// Throws Error(kInput) for a file that is no such report, Error(kUsage) for a kind or level that is given
/// twice, that the option does not take, that was interrupted, or that lacks what advise needs of it.
AdviseParts read_advise_parts(const AdviseReports& reports);

/// What parts must have in common: `input`, as in the reports of accuracy and spectrum, and the length.
/// Throws Error(kUsage) that names the report and every member that differs. Of a bench the sizes of the
/// model count, since times follow from these, and that there are cells of flash at this length.
void require_parts_of(const AdviseParts& parts, const nlohmann::json& input, int64_t length);

/// `input` of the report of accuracy.
nlohmann::json input_of_accuracy(const AdviseParts& parts);

/// The model's cells at this length alone, of the most threads.
BenchResult at_length(const BenchResult& model, int64_t length);

}  // namespace linformer
