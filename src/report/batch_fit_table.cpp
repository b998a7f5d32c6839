// SPDX-License-Identifier: MIT
#include "report/batch_fit_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/memory.h"
#include "report/numbers.h"

namespace linformer {
namespace {

// The references that any cell has a ratio to, in their order.
std::vector<std::string> references_of(const BatchFitResult& result) {
  std::vector<std::string> names;
  for (const BatchFit& fit : result.fits) {
    for (const FitRatio& ratio : fit.ratios) {
      if (std::ranges::find(names, ratio.reference) == names.end()) names.push_back(ratio.reference);
    }
  }
  return names;
}

const FitRatio* ratio_to(const BatchFit& fit, const std::string& reference) {
  const auto found = std::ranges::find(fit.ratios, reference, &FitRatio::reference);
  return found == fit.ratios.end() ? nullptr : &*found;
}

std::string measured_text(const BatchFit& fit) {
  if (!fit.measured_reason.empty()) return "not measured";
  double largest = 0;
  for (const MeasuredBytes& m : fit.measured)
    largest = std::max(
        largest, std::abs(static_cast<double>(m.measured - m.predicted)) / static_cast<double>(m.predicted));
  return fmt::format("{:.2f} %", 100 * largest);
}

std::string times(std::optional<double> ratio) { return ratio ? fmt::format("{:.2f}x", *ratio) : ""; }

}  // namespace

Table batch_fit_table(const BatchFitResult& result) {
  const std::vector<std::string> references = references_of(result);
  Table table{.title = "",
              .columns = {{"n"},
                          {"mechanism", Align::kLeft},
                          {"dtype", Align::kLeft},
                          {"h x d"},
                          {"threads"},
                          {"a sequence"},
                          {"largest batch"}},
              .rows = {}};
  for (const std::string& reference : references) {
    table.columns.push_back({"batch vs " + reference});
    table.columns.push_back({"bytes vs " + reference});
  }
  table.columns.push_back({"measured off by"});
  table.columns.push_back({"", Align::kLeft});
  for (const BatchFit& fit : result.fits) {
    const BenchCell& c = fit.cell;
    const bool possible = fit.reason.empty();
    std::vector<std::string> row = {std::to_string(c.length),
                                    c.mechanism,
                                    std::string(name_of_dtype(c.dtype)),
                                    fmt::format("{} x {}", c.heads, c.head_size),
                                    std::to_string(c.threads),
                                    possible ? format_bytes(std::llround(fit.bytes_per_sequence)) : "",
                                    fit.largest_batch ? std::to_string(*fit.largest_batch)
                                    : possible        ? "none"
                                                      : ""};
    for (const std::string& reference : references) {
      const FitRatio* const ratio = ratio_to(fit, reference);
      row.push_back(ratio ? times(ratio->batches) : "");
      row.push_back(ratio ? times(ratio->bytes) : "");
    }
    row.push_back(possible ? measured_text(fit) : "");
    row.push_back(possible ? "" : "unsupported");
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table batch_fit_long_table(const BatchFitResult& result) {
  Table table;
  for (const char* name : {"mechanism", "length", "heads", "head_size", "causal", "level", "layers",
                           "threads", "probabilities_kept", "one_sequence_bytes", "bytes_per_sequence",
                           "largest_batch", "measured", "reason", "dtype"})
    table.columns.push_back({name});
  const std::vector<std::string> references = references_of(result);
  for (const std::string& reference : references) {
    table.columns.push_back({"largest_batch_to_" + reference});
    table.columns.push_back({"bytes_per_sequence_to_" + reference});
  }
  for (const BatchFit& fit : result.fits) {
    const BenchCell& c = fit.cell;
    const bool possible = fit.reason.empty();
    std::vector<std::string> row = {c.mechanism,
                                    std::to_string(c.length),
                                    std::to_string(c.heads),
                                    std::to_string(c.head_size),
                                    c.causal ? "1" : "0",
                                    std::string(name_of(result.level)),
                                    std::to_string(c.layers),
                                    std::to_string(c.threads),
                                    fit.keeps_probabilities ? "1" : "0",
                                    possible ? std::to_string(fit.one_bytes) : "",
                                    possible ? shortest(fit.bytes_per_sequence) : "",
                                    fit.largest_batch ? std::to_string(*fit.largest_batch) : "",
                                    std::to_string(fit.measured.size()),
                                    possible ? fit.measured_reason : fit.reason,
                                    std::string(name_of_dtype(c.dtype))};
    for (const std::string& reference : references) {
      const FitRatio* const ratio = ratio_to(fit, reference);
      row.push_back(ratio && ratio->batches ? shortest(*ratio->batches) : "");
      row.push_back(ratio ? shortest(ratio->bytes) : "");
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace linformer
