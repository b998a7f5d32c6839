// SPDX-License-Identifier: MIT
#include "bench/bootstrap.h"

#include <algorithm>
#include <vector>

namespace linformer {
namespace {

constexpr uint32_t kBootstrapPurpose = 0xd0;
constexpr uint64_t kDraws = 1000;

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

std::vector<double> picked(std::span<const double> values, std::span<const size_t> at) {
  std::vector<double> chosen;
  for (const size_t i : at) chosen.push_back(values[i]);
  return chosen;
}

std::vector<size_t> draw(size_t count, Random& random) {
  std::vector<size_t> chosen(count);
  for (size_t& i : chosen) i = random.below(static_cast<uint32_t>(count));
  return chosen;
}

}  // namespace

Interval bootstrap(uint64_t seed, const std::function<double(Random&)>& once) {
  std::vector<double> values;
  for (uint64_t i = 0; i < kDraws; ++i) {
    Random random({.seed = seed, .purpose = kBootstrapPurpose, .index = i});
    values.push_back(once(random));
  }
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - kBenchConfidence) / 2), quantile(values, (1 + kBenchConfidence) / 2)};
}

double drawn_median(std::span<const double> values, Random& random) {
  return median_of(picked(values, draw(values.size(), random)));
}

Ratio paired_ratio(std::span<const double> ours, std::span<const double> reference, uint64_t seed) {
  const size_t rounds = std::min(ours.size(), reference.size());
  const std::span<const double> a = ours.first(rounds), b = reference.first(rounds);
  const auto ratio = [&](std::span<const size_t> at) {
    return median_of(picked(b, at)) / median_of(picked(a, at));
  };
  Ratio result{.reference = {},
               .ratio = median_of({b.begin(), b.end()}) / median_of({a.begin(), a.end()}),
               .interval = {}};
  if (static_cast<int64_t>(rounds) < kLeastSamples) return result;
  result.interval = bootstrap(seed, [&](Random& random) { return ratio(draw(rounds, random)); });
  return result;
}

Ratio apart_ratio(const CellResult& a, const CellResult& b, uint64_t seed) {
  Ratio result{.reference = {}, .ratio = a.median_ns / b.median_ns, .interval = {}};
  result.interval = bootstrap(seed, [&](Random& random) {
    const double over = drawn_median(a.samples_ns, random);
    return over / drawn_median(b.samples_ns, random);
  });
  return result;
}

}  // namespace linformer
