// SPDX-License-Identifier: MIT
#include "spectrum/summary.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/student_t.h"

namespace linformer {

Summary summarise(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  double sum = 0;
  for (const double value : sorted) sum += value;
  return {.mean = sum / static_cast<double>(sorted.size()),
          .interval = std::nullopt,
          .median = quantile(sorted, 0.5),
          .p95 = quantile(sorted, 0.95),
          .max = quantile(sorted, 1)};
}

std::optional<Interval> mean_interval(std::span<const double> unit_means, double level) {
  const auto count = static_cast<int64_t>(unit_means.size());
  if (count < kLeastUnits) return std::nullopt;
  double mean = 0;
  for (const double value : unit_means) mean += value / static_cast<double>(count);
  double squares = 0;
  for (const double value : unit_means) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / static_cast<double>(count - 1) / static_cast<double>(count));
  const double t = student_t_quantile((1 + level) / 2, static_cast<double>(count - 1));
  return Interval{mean - t * error, mean + t * error};
}

Units assign_units(std::span<const int64_t> document_of_sequence) {
  Units units;
  std::unordered_map<int64_t, int64_t> number;
  for (const int64_t document : document_of_sequence) {
    const auto next = static_cast<int64_t>(number.size());
    units.unit.push_back(number.try_emplace(document, next).first->second);
  }
  units.count = static_cast<int64_t>(number.size());
  units.documents = units.count >= kLeastUnits;
  if (units.documents) return units;
  const auto sequences = static_cast<int64_t>(document_of_sequence.size());
  units.count = std::min(kMostBlocks, sequences);
  for (int64_t i = 0; i < sequences; ++i) units.unit[static_cast<size_t>(i)] = i * units.count / sequences;
  return units;
}

std::vector<double> unit_means(std::span<const double> values, const Units& units) {
  std::vector<double> means(static_cast<size_t>(units.count));
  std::vector<double> counts(means.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const auto unit = static_cast<size_t>(units.unit[i]);
    means[unit] += values[i];
    counts[unit] += 1;
  }
  for (size_t u = 0; u < means.size(); ++u) means[u] /= counts[u];
  return means;
}

}  // namespace linformer
