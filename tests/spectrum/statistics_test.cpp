// SPDX-License-Identifier: MIT
#include "spectrum/statistics.h"

#include <cmath>
#include <vector>

#include "catch.h"

using namespace linformer;

namespace {

struct Result {
  SpectrumStatistics statistics;
  std::vector<double> sigma, energy;
};

Result statistics_of(const std::vector<double>& values, double scale) {
  Result r{{}, std::vector<double>(values.size()), std::vector<double>(values.size())};
  r.statistics = spectrum_statistics(values, scale, r.sigma, r.energy);
  return r;
}

}  // namespace

TEST_CASE("the curves of a hand-made spectrum are cumulative shares of values and of squares") {
  const Result r = statistics_of({4, 2, 1, 1}, 4);
  CHECK(r.sigma == std::vector<double>{0.5, 0.75, 0.875, 1});
  CHECK(r.energy[0] == Approx(16.0 / 22));
  CHECK(r.energy[1] == Approx(20.0 / 22));
  CHECK(r.energy[2] == Approx(21.0 / 22));
  CHECK(r.energy[3] == 1);
  CHECK(r.statistics.sum == 8);
  CHECK(r.statistics.energy == 22);
  CHECK(r.statistics.k_sigma == std::array<int64_t, 3>{4, 4, 4});
  CHECK(r.statistics.k_energy == std::array<int64_t, 3>{2, 3, 4});
  CHECK(r.statistics.stable_rank == Approx(22.0 / 16));
  CHECK(r.statistics.gap == Approx(0.5));
  CHECK(r.statistics.top_energy == Approx(16.0 / 22));
  const double h = 0.5 * std::log(2.0) + 0.25 * std::log(4.0) + 0.25 * std::log(8.0);
  CHECK(r.statistics.effective_rank == Approx(std::exp(h)));
}

TEST_CASE("a flat spectrum reaches each share at exactly that share of its length") {
  for (const double value : {1.0, 0.1, 1.0 / 3, 1e-12}) {
    const Result r = statistics_of(std::vector<double>(100, value), value);
    CHECK(r.statistics.k_sigma == std::array<int64_t, 3>{90, 95, 99});
    CHECK(r.statistics.k_energy == std::array<int64_t, 3>{90, 95, 99});
    CHECK(r.statistics.effective_rank == Approx(100));
    CHECK(r.statistics.stable_rank == Approx(100));
    CHECK(r.statistics.gap == 0);
    CHECK(curve_at(r.sigma, 25) == Approx(0.25));
  }
}

TEST_CASE("a single value has gap 1 and every share at m = 1") {
  const Result r = statistics_of({0.3}, 0.3);
  CHECK(r.sigma == std::vector<double>{1});
  CHECK(r.statistics.gap == 1);
  CHECK(r.statistics.k_energy == std::array<int64_t, 3>{1, 1, 1});
  CHECK(r.statistics.effective_rank == Approx(1));
  CHECK(r.statistics.stable_rank == Approx(1));
}

TEST_CASE("a rank-one spectrum keeps zeros out of its entropy") {
  const Result r = statistics_of({1, 0, 0}, 1);
  CHECK(r.sigma == std::vector<double>{1, 1, 1});
  CHECK(r.statistics.effective_rank == 1);
  CHECK(r.statistics.gap == 1);
}

TEST_CASE("a spectrum that is rounding of the uncentred matrix counts as zero") {
  for (const std::vector<double>& values :
       {std::vector<double>{0, 0, 0}, std::vector<double>{1e-8, 1e-9, 0}}) {
    const Result r = statistics_of(values, 1);
    CHECK(r.sigma == std::vector<double>{1, 1, 1});
    CHECK(r.energy == std::vector<double>{1, 1, 1});
    CHECK(r.statistics.k_sigma == std::array<int64_t, 3>{0, 0, 0});
    CHECK(r.statistics.effective_rank == 0);
    CHECK(r.statistics.stable_rank == 0);
  }
  CHECK(statistics_of({1e-6, 0, 0}, 1).statistics.effective_rank == Approx(1));
  CHECK(statistics_of({1e-8, 1e-9, 0}, 1e-8).statistics.effective_rank > 1);  // its own scale: not rounding
  CHECK(statistics_of({}, 1).statistics.effective_rank == 0);
}

TEST_CASE("a curve is 0 before its beginning and stays at its last value after its end") {
  const std::vector<double> curve = {0.5, 0.8, 1};
  CHECK(curve_at(curve, 0) == 0);
  CHECK(curve_at(curve, 2) == 0.8);
  CHECK(curve_at(curve, 128) == 1);
}

TEST_CASE("the mean row entropy is ln n for uniform rows and 0 for one-hot rows") {
  const int64_t n = 37;
  std::vector<float> p(n * 40, 1.0f / 37);
  CHECK(map_moments({p.data(), n, n, 40}).row_entropy == Approx(std::log(37.0)).epsilon(1e-7));
  std::fill(p.begin(), p.end(), 0.0f);
  for (int64_t i = 0; i < n; ++i) p[static_cast<size_t>(i * 40 + (i * 7) % n)] = 1;
  CHECK(map_moments({p.data(), n, n, 40}).row_entropy == 0);
  const std::vector<float> half = {0.5f, 0.5f, 0, 1, 0, 0};
  CHECK(map_moments({half.data(), 2, 3, 3}).row_entropy == Approx(std::log(2.0) / 2));
}

TEST_CASE("the moments of a map are its mean entropy, its norm and what bounds σ₁") {
  const std::vector<float> p = {0.5f, 0.25f, 0.25f, 9, 0, 1, 0, 9};  // [2, 3] at a stride of 4
  const MapMoments moments = map_moments({p.data(), 2, 3, 4});
  CHECK(moments.row_entropy == Approx(1.5 * std::log(2.0) / 2).epsilon(1e-7));
  CHECK(moments.squared_norm == Approx(0.375 + 1));
  CHECK(moments.sigma1_bound == Approx(std::sqrt(2.0 / 3)));
  const std::vector<float> unequal = {0.5f, 0, 0.25f, 0.25f};  // rows that sum to 1/2
  CHECK(map_moments({unequal.data(), 2, 2, 2}).sigma1_bound == Approx(0.5));
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{0, 3}, {3, 0}}) {
    const MapMoments none = map_moments({p.data(), rows, cols, 4});
    CHECK(none.row_entropy == 0);
    CHECK(none.squared_norm == 0);
    CHECK(none.sigma1_bound == 0);
  }
}
