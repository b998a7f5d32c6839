// SPDX-License-Identifier: MIT
#include "spectrum/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/threads.h"
#include "spectrum/statistics.h"

namespace linformer {
namespace {

// The curve at a share of its length, linear between m and m + 1, 0 at 0.
double curve_at_share(std::span<const double> curve, double share) {
  const double position = share * static_cast<double>(curve.size());
  const double below = std::floor(position);
  const auto m = static_cast<int64_t>(below);
  return std::lerp(curve_at(curve, m), curve_at(curve, m + 1), position - below);
}

}  // namespace

int64_t AtPoint::index(int64_t n) const {
  if (m > 0) return std::min(m, n);
  return std::clamp<int64_t>(std::llround(share * static_cast<double>(n)), 1, std::max<int64_t>(n, 1));
}

std::string AtPoint::label() const {
  return m > 0 ? std::to_string(m) : fmt::format("{:.10g}%", 100 * share);
}

double CurveGrid::at(int64_t i) const {
  return length > 0 ? static_cast<double>(i + 1) : static_cast<double>(i + 1) / static_cast<double>(points);
}

std::vector<int64_t> CurveGrid::reported(int64_t at) const {
  constexpr int64_t kMost = 64;
  const int64_t step = (points + kMost - 1) / kMost;
  std::vector<int64_t> chosen;
  for (int64_t m = 1; m <= points; ++m) {
    const bool small_power = m < step && std::has_single_bit(static_cast<uint64_t>(m));
    if (small_power || m % step == 0 || m == points || m == at) chosen.push_back(m - 1);
  }
  return chosen;
}

std::vector<std::string> statistic_names(std::span<const AtPoint> at) {
  std::vector<std::string> names;
  for (const AtPoint& point : at) {
    names.push_back("cumulative_at_" + point.label());
    names.push_back("energy_at_" + point.label());
  }
  for (const char* kind : {"sigma", "energy"}) {
    for (double share : kShares) names.push_back(fmt::format("k{:.0f}_{}", 100 * share, kind));
  }
  for (const char* name :
       {"effective_rank", "stable_rank", "gap", "sigma1_energy_share", "sigma1", "row_entropy"}) {
    names.emplace_back(name);
  }
  return names;
}

Measurement::Measurement(std::string_view method, std::vector<AtPoint> at, CurveGrid grid, Run& run)
    : singular_values_(make_singular_values(method)),
      at_(std::move(at)),
      grid_(grid),
      statistics_(statistic_names(at_).size()),
      run_(run) {}

int64_t Measurement::buffer_bytes(int64_t matrices, int64_t rows, int64_t cols) const {
  const int64_t per_matrix = 2 * std::min(rows, cols) + 2 * grid_.points + static_cast<int64_t>(statistics_);
  return matrices * per_matrix * static_cast<int64_t>(sizeof(double)) +
         run_.threads * singular_values_->workspace_bytes(rows, cols);
}

void Measurement::compute(std::span<const MatrixView<const float>> matrices, bool centred) {
  matrices_ = matrices.size();
  size_ = matrices.empty() ? 0 : static_cast<size_t>(std::min(matrices[0].rows, matrices[0].cols));
  centred_ = centred;
  const auto count = static_cast<int64_t>(matrices_ * size_ * 2);
  spectra_.reserve(run_.memory, count, "singular values");
  std::vector<SpectrumTask> tasks;
  for (size_t i = 0; i < matrices_; ++i) {
    double* const values = spectra_.data() + 2 * i * size_;
    tasks.push_back(
        {.matrix = matrices[i], .values = {values, size_}, .centred = {values + size_, centred ? size_ : 0}});
  }
  singular_values_->compute(tasks, run_);
}

std::span<const double> Measurement::values(size_t matrix) const {
  return {spectra_.data() + 2 * matrix * size_, size_};
}

std::span<const double> Measurement::centred_values(size_t matrix) const {
  return {spectra_.data() + (2 * matrix + 1) * size_, size_};
}

// In the order of statistic_names().
void Measurement::describe(std::span<const double> values, double scale, double entropy,
                           std::span<double> statistics, std::span<double> cumulative,
                           std::span<double> energy) {
  std::vector<double> sigma_curve(values.size()), energy_curve(values.size());
  const SpectrumStatistics s = spectrum_statistics(values, scale, sigma_curve, energy_curve);
  double* out = statistics.data();
  for (const AtPoint& point : at_) {
    const int64_t m = point.index(std::ssize(values));
    *out++ = curve_at(sigma_curve, m);
    *out++ = curve_at(energy_curve, m);
  }
  for (int64_t k : s.k_sigma) *out++ = static_cast<double>(k);
  for (int64_t k : s.k_energy) *out++ = static_cast<double>(k);
  for (double x :
       {s.effective_rank, s.stable_rank, s.gap, s.top_energy, values.empty() ? 0.0 : values[0], entropy}) {
    *out++ = x;
  }
  for (size_t i = 0; i < cumulative.size(); ++i) {
    const double at = grid_.at(static_cast<int64_t>(i));
    cumulative[i] = grid_.length > 0 ? sigma_curve[i] : curve_at_share(sigma_curve, at);
    energy[i] = grid_.length > 0 ? energy_curve[i] : curve_at_share(energy_curve, at);
  }
}

void Measurement::record(Records& records, int64_t series, std::span<const RecordKey> keys,
                         std::span<const double> entropies, bool centred, double weight) {
  const auto points = static_cast<size_t>(grid_.points);
  const size_t row = statistics_ + 2 * points;
  const auto count = static_cast<int64_t>(matrices_ * row);
  described_.reserve(run_.memory, count, "statistics of a layer");
  const auto part = [&](size_t i, size_t offset, size_t size) {
    return std::span<double>(described_.data() + i * row + offset, size);
  };
  parallel_for(run_.threads, static_cast<int64_t>(matrices_), [&](int64_t index, int) {
    const auto i = static_cast<size_t>(index);
    const std::span<const double> spectrum = centred ? centred_values(i) : values(i);
    describe(spectrum, values(i).empty() ? 0 : values(i)[0], entropies[i], part(i, 0, statistics_),
             part(i, statistics_, points), part(i, statistics_ + points, points));
  });
  for (size_t i = 0; i < matrices_; ++i) {
    RecordKey key = keys[i];
    key.series = series;
    records.add(key, part(i, 0, statistics_), part(i, statistics_, points),
                part(i, statistics_ + points, points), weight);
  }
}

}  // namespace linformer
