// SPDX-License-Identifier: MIT
#include "report/batch_fit_read.h"

#include "report/bench_read.h"

namespace linformer {
namespace {

BenchCell read_cell(const Field& field) {
  return {.mechanism = field["mechanism"].text(),
          .length = field["length"].integer(),
          .batch = 1,
          .heads = field["heads"].integer(),
          .head_size = field["head_size"].integer(),
          .causal = field["causal"].boolean(),
          .layers = field["layers"].integer(),
          .threads = static_cast<int>(field["threads"].integer()),
          .dtype = read_dtype(field["dtype"])};
}

BatchFit read_fit(const Field& field) {
  BatchFit fit;
  fit.cell = read_cell(field);
  fit.reason = field.find_text("reason");
  fit.keeps_probabilities = field["probabilities_kept"].boolean();
  fit.measured_reason = field.find_text("measured_reason");
  if (fit.reason.empty()) {
    fit.one_bytes = field["one_sequence_bytes"].integer();
    fit.bytes_per_sequence = field["bytes_per_sequence"].number();
  }
  if (const auto batch = field.find("largest_batch")) fit.largest_batch = batch->integer();
  for (const Field& one : field["measured"].items()) {
    fit.measured.push_back({.batch = one["batch"].integer(),
                            .predicted = one["predicted_bytes"].integer(),
                            .measured = one["measured_bytes"].integer()});
  }
  for (const Field& one : field["ratios"].items()) {
    fit.ratios.push_back({.reference = one["reference"].text(),
                          .batches = one.find_number("largest_batch"),
                          .bytes = one["bytes_per_sequence"].number_or_nan()});
  }
  return fit;
}

}  // namespace

BatchFitResult read_batch_fit(const ReportFile& file) {
  const Field root = file.root(), results = root["results"];
  BatchFitResult result;
  result.level = read_level(results["level"]);
  result.subject = results["subject"].text();
  result.limit_bytes = results["limit_bytes"].integer();
  result.warnings = read_warnings(root["warnings"]);
  result.complete = results["complete"].boolean();
  for (const Field& cell : results["cells"].items()) result.fits.push_back(read_fit(cell));
  return result;
}

}  // namespace linformer
