// SPDX-License-Identifier: MIT
#include "bench/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace linformer {

std::string name_of(const BenchCell& c) {
  const std::string layers = c.layers > 0 ? fmt::format(", L = {}", c.layers) : "";
  const std::string dtype = c.dtype == DType::kF32 ? "" : fmt::format(" in {}", name_of_dtype(c.dtype));
  const std::string queries =
      c.queries > 0 ? fmt::format(", {} {}", c.queries, c.queries == 1 ? "query" : "queries") : "";
  return fmt::format("{}{} (n = {}{}, b = {}, h = {}, d = {}{}, {} thread{})", c.mechanism, dtype, c.length,
                     queries, c.batch, c.heads, c.head_size, layers, c.threads, c.threads == 1 ? "" : "s");
}

std::string_view name_of_dtype(DType dtype) { return dtype == DType::kBF16 ? "bf16" : "f32"; }

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kLayer:
      return "layer";
    case Level::kModel:
      return "model";
    case Level::kAttention:
      break;
  }
  return "attention";
}

double work_share(const BenchCell& cell, const BenchCell& part) {
  const auto work = [](const BenchCell& c) {
    return static_cast<double>(c.batch * c.heads * std::max<int64_t>(c.layers, 1));
  };
  return work(part) / work(cell);
}

double CellResult::scale() const {
  if (timed_batch == 0) return 1;
  BenchCell timed = cell;
  timed.batch = timed_batch, timed.heads = timed_heads, timed.layers = timed_layers;
  return 1 / work_share(cell, timed);
}

std::optional<double> BatchFitResult::largest_difference() const {
  std::optional<double> largest;
  for (const BatchFit& fit : fits) {
    for (const MeasuredBytes& m : fit.measured) {
      const auto predicted = static_cast<double>(m.predicted);
      largest =
          std::max(largest.value_or(0), std::abs(static_cast<double>(m.measured) - predicted) / predicted);
    }
  }
  return largest;
}

std::string_view name_of(CellState state) {
  switch (state) {
    case CellState::kMeasured:
      return "measured";
    case CellState::kTooLarge:
      return "too large";
    case CellState::kUnsupported:
      return "unsupported";
    case CellState::kWrong:
      return "wrong";
    case CellState::kFailed:
      return "failed";
    case CellState::kInterrupted:
      break;
  }
  return "interrupted";
}

}  // namespace linformer
