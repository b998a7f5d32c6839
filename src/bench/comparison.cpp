// SPDX-License-Identifier: MIT
#include "bench/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "bench/bootstrap.h"
#include "bench/sweep.h"

namespace linformer {
namespace {

bool same_kind(const BenchCell& a, const BenchCell& b) {
  return a.mechanism == b.mechanism && a.dtype == b.dtype;
}

// Of one mechanism and type, equal in all but the length, by length.
using Series = std::vector<const CellResult*>;

std::vector<Series> series_of(const std::vector<CellResult>& cells) {
  std::vector<Series> all;
  for (const CellResult& cell : cells) {
    if (!cell.measured()) continue;
    const auto belongs = [&](const Series& series) {
      BenchCell first = series.front()->cell;
      first.length = cell.cell.length;
      if (first.tokens > 0 && first.tokens == cell.cell.tokens) first.batch = cell.cell.batch;
      return same_kind(first, cell.cell) && same_shape(first, cell.cell);
    };
    const auto found = std::find_if(all.begin(), all.end(), belongs);
    if (found == all.end()) {
      all.push_back({&cell});
    } else {
      found->push_back(&cell);
    }
  }
  return all;
}

double per_doubling(double factor, int64_t from, int64_t to) {
  return std::log(factor) / std::log(static_cast<double>(to) / static_cast<double>(from));
}

LocalSlope slope_between(const CellResult& a, const CellResult& b, uint64_t seed) {
  const int64_t from = a.cell.length, to = b.cell.length;
  const Ratio ratio = apart_ratio(b, a, seed);
  LocalSlope slope{.from = from, .to = to, .slope = per_doubling(ratio.ratio, from, to), .interval = {}};
  slope.interval = {per_doubling(ratio.interval->low, from, to),
                    per_doubling(ratio.interval->high, from, to)};
  return slope;
}

// The slope of log t against log n by least squares; `medians`: of the series' cells.
double fitted_slope(const Series& series, std::span<const double> medians) {
  const auto count = static_cast<double>(series.size());
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  const auto x = [&](size_t i) { return std::log(static_cast<double>(series[i]->cell.length)); };
  for (size_t i = 0; i < series.size(); ++i) {
    mean_x += x(i) / count;
    mean_y += std::log(medians[i]) / count;
  }
  for (size_t i = 0; i < series.size(); ++i) {
    xx += (x(i) - mean_x) * (x(i) - mean_x);
    xy += (x(i) - mean_x) * (std::log(medians[i]) - mean_y);
  }
  return xy / xx;
}

LocalSlope fit(const Series& series, uint64_t seed) {
  std::vector<double> medians;
  for (const CellResult* cell : series) medians.push_back(cell->median_ns);
  LocalSlope slope{.from = series.front()->cell.length,
                   .to = series.back()->cell.length,
                   .slope = fitted_slope(series, medians),
                   .interval = {}};
  slope.interval = bootstrap(seed, [&](Random& random) {
    for (size_t i = 0; i < series.size(); ++i) medians[i] = drawn_median(series[i]->samples_ns, random);
    return fitted_slope(series, medians);
  });
  return slope;
}

// The cell of this mechanism and type with the shape of `of`, if it was measured.
const CellResult* partner(const std::vector<CellResult>& cells, const std::string& mechanism, DType dtype,
                          const CellResult& of) {
  const auto found = std::find_if(cells.begin(), cells.end(), [&](const CellResult& cell) {
    return cell.measured() && cell.cell.mechanism == mechanism && cell.cell.dtype == dtype &&
           same_shape(cell.cell, of.cell);
  });
  return found == cells.end() ? nullptr : &*found;
}

// log(t / t_reference) by length.
struct Advantage {
  double length, value;
};

Crossover crossover(const BenchCell& cell, const std::string& reference,
                    const std::vector<Advantage>& points) {
  Crossover crossing{.cell = cell, .reference = reference, .length = {}, .reason = {}};
  if (std::ranges::all_of(points, [](const Advantage& p) { return p.value < 0; })) {
    crossing.reason = "faster at every length measured";
    return crossing;
  }
  if (points.back().value >= 0) {
    crossing.reason = fmt::format("not faster at n = {:.0f}, the longest measured", points.back().length);
    return crossing;
  }
  for (size_t i = points.size() - 1; i > 0; --i) {
    const Advantage &a = points[i - 1], &b = points[i];
    if (a.value < 0) continue;
    const double part = a.value / (a.value - b.value);
    crossing.length = std::exp(std::log(a.length) + part * std::log(b.length / a.length));
    return crossing;
  }
  return crossing;
}

}  // namespace

void add_ratios(std::vector<CellResult>& cells, const std::vector<std::string>& references, uint64_t seed) {
  for (CellResult& cell : cells) {
    if (!cell.measured()) continue;
    for (const std::string& name : references) {
      const CellResult* reference = partner(cells, name, cell.cell.dtype, cell);
      if (reference == nullptr || reference == &cell) continue;
      cell.ratios.push_back(paired_ratio(cell.samples_ns, reference->samples_ns, seed));
      cell.ratios.back().reference = name;
      cell.ratios.back().flops_ratio = reference->flops / cell.flops;
    }
  }
}

std::vector<Growth> growth_of(const std::vector<CellResult>& cells, uint64_t seed) {
  std::vector<Growth> all;
  for (const Series& series : series_of(cells)) {
    if (series.size() < 2) continue;
    Growth growth{.cell = series.front()->cell, .slopes = {}, .fitted = fit(series, seed)};
    for (size_t i = 1; i < series.size(); ++i)
      growth.slopes.push_back(slope_between(*series[i - 1], *series[i], seed));
    all.push_back(std::move(growth));
  }
  return all;
}

std::vector<Scaling> scaling_of(const std::vector<CellResult>& cells, uint64_t seed) {
  std::vector<Scaling> all;
  for (const CellResult& cell : cells) {
    if (!cell.measured()) continue;
    // Cells of the same mechanism and shape with fewer threads come before.
    const auto fewest = std::find_if(cells.begin(), cells.end(), [&](const CellResult& other) {
      BenchCell same = other.cell;
      same.threads = cell.cell.threads;
      return other.measured() && same_kind(same, cell.cell) && same_shape(same, cell.cell);
    });
    if (&*fewest == &cell) continue;
    const Ratio ratio = apart_ratio(*fewest, cell, seed);
    all.push_back({.cell = fewest->cell,
                   .threads = cell.cell.threads,
                   .speed_up = ratio.ratio,
                   .interval = ratio.interval});
  }
  return all;
}

std::vector<Narrowing> narrowing_of(const std::vector<CellResult>& cells, uint64_t seed) {
  std::vector<Narrowing> all;
  for (const CellResult& cell : cells) {
    if (!cell.measured() || cell.cell.dtype != DType::kF32) continue;
    const CellResult* const narrow = partner(cells, cell.cell.mechanism, DType::kBF16, cell);
    if (narrow == nullptr) continue;
    const Ratio ratio = paired_ratio(narrow->samples_ns, cell.samples_ns, seed);
    all.push_back({.cell = cell.cell,
                   .native_bf16 = narrow->native_bf16,
                   .speed_up = ratio.ratio,
                   .interval = ratio.interval});
  }
  return all;
}

std::vector<Crossover> crossovers_of(const std::vector<CellResult>& cells,
                                     const std::vector<std::string>& references) {
  std::vector<Crossover> all;
  for (const Series& series : series_of(cells)) {
    for (const std::string& reference : references) {
      std::vector<Advantage> points;
      for (const CellResult* cell : series) {
        const CellResult* other = partner(cells, reference, cell->cell.dtype, *cell);
        if (other == nullptr || other == cell) continue;
        points.push_back(
            {static_cast<double>(cell->cell.length), std::log(cell->median_ns / other->median_ns)});
      }
      if (points.size() > 1) all.push_back(crossover(series.front()->cell, reference, points));
    }
  }
  return all;
}

}  // namespace linformer
