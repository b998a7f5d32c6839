// SPDX-License-Identifier: MIT
#include "spectrum/certified.h"

#include <cmath>
#include <string>

#include "catch.h"
#include "dense_values.h"
#include "heads.h"

namespace linformer {
namespace {

using testing::QueryKeyHead;

CertifiedSpectrum certified(const QueryKeyHead& head, const CertifiedOptions& options, int threads = 2) {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = threads};
  const std::optional<CertifiedSpectrum> spectrum = certified_spectrum(head.view(), options, 0, run);
  REQUIRE(spectrum);
  CHECK(memory.peak_bytes() <= certified_bytes(head.q.rows, head.k.rows, head.q.cols, options, threads));
  return *spectrum;
}

// All queries look at key 0, with a score of so much, and little else matters: σ₂ is far below σ₁.
QueryKeyHead sink_head(int64_t n, double score, uint64_t seed) {
  QueryKeyHead head = testing::gaussian_head(n, n, 64, 1, false, seed);
  for (int64_t i = 0; i < n; ++i) head.q.at(i, 0) = 1, head.k.at(i, 0) = 0;
  head.k.at(0, 0) = static_cast<float>(8 * (score + std::log(static_cast<double>(n))));
  return head;
}

// Queries that see their own key alone: P is nearly the identity.
QueryKeyHead identity_head(int64_t n, int64_t d, float scale, uint64_t seed) {
  QueryKeyHead head = testing::gaussian_head(n, n, d, 1, false, seed);
  head.q = head.k, head.scale = scale;
  return head;
}

std::vector<std::pair<std::string, QueryKeyHead>> heads(int64_t n) {
  std::vector<std::pair<std::string, QueryKeyHead>> all;
  all.emplace_back("sharp", testing::gaussian_head(n, n, 32, 3, false, 1));
  all.emplace_back("medium", testing::gaussian_head(n, n, 64, 1, false, 2));
  all.emplace_back("flat", testing::gaussian_head(n, n, 16, 0.1, false, 3));
  all.emplace_back("uniform", testing::gaussian_head(n, n, 16, 0, false, 4));
  all.emplace_back("causal", testing::gaussian_head(n, n, 32, 1.5, true, 5));
  all.emplace_back("local", testing::local_head(n, 16, 3, 0.1, 6));
  all.emplace_back("one-hot", testing::local_head(n, 16, 60, 0, 7));
  all.emplace_back("wide", testing::gaussian_head(n / 2, n, 24, 1, false, 8));
  all.emplace_back("biased", testing::biased(testing::gaussian_head(n, n, 24, 1, false, 12)));
  all.emplace_back("tall", testing::gaussian_head(n, n / 3, 24, 1, false, 9));
  all.emplace_back("sink", sink_head(n, 5, 10));
  return all;
}

// How often intervals at the confidence miss; sure ones must never.
struct Misses {
  int64_t intervals = 0, missed = 0;

  void count(const Interval& interval, double truth) {
    ++intervals;
    missed += truth < interval.low || truth > interval.high;
  }
};

// Room for the rounding of P's own entries, which dense() does not have.
Interval with_room(const Interval& interval, double room) {
  return {interval.low - room, interval.high + room};
}

void check_intervals(const QueryKeyHead& head, const CertifiedSpectrum& s, Misses& misses) {
  const std::vector<double> truth = testing::dense_values(head);
  double all = 0, sum = 0, energy = 0;
  for (const double sigma : truth) all += sigma * sigma, sum += sigma;
  const double nuclear = sum, room = 2e-6 * truth[0];
  sum = 0;
  for (size_t m = 0; m < s.values.size(); ++m) {
    CAPTURE(m, truth[m], s.values[m]);
    energy += truth[m] * truth[m];
    sum += truth[m];
    const Interval sure_sigma = with_room(s.sure_sigma[m], room),
                   sure_energy = with_room(s.sure_energy[m], 4e-6);
    REQUIRE(truth[m] >= sure_sigma.low);
    REQUIRE(truth[m] <= sure_sigma.high);
    REQUIRE(energy / all >= sure_energy.low);
    REQUIRE(energy / all <= sure_energy.high);
    CHECK(s.sigma[m].high <= s.sure_sigma[m].high);
    CHECK(s.energy[m].high <= s.sure_energy[m].high);
    misses.count(with_room(s.sigma[m], room), truth[m]);
    misses.count(with_room(s.energy[m], 4e-6), energy / all);
    if (s.nuclear_norm) misses.count(with_room(s.cumulative[m], 4e-6), sum / nuclear);
  }
  if (s.nuclear_norm) misses.count(with_room(*s.nuclear_norm, 4e-6 * nuclear), nuclear);
}

}  // namespace

TEST_CASE("sure intervals always hold, and the others as often as they say, whatever the head") {
  Misses misses;
  for (const int64_t n : {96, 400}) {
    for (const auto& [name, head] : heads(n)) {
      for (uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(name, n, seed);
        check_intervals(head, certified(head, {.values = 24, .probes = 12, .seed = seed}), misses);
      }
    }
  }
  CAPTURE(misses.intervals, misses.missed);
  CHECK(misses.intervals > 3000);
  CHECK(static_cast<double>(misses.missed) <= 0.01 * static_cast<double>(misses.intervals));
}

TEST_CASE("intervals hold where a small basis leaves much of a long spectrum") {
  Misses misses;
  for (const auto& [name, head] : heads(1024)) {
    CAPTURE(name);
    const CertifiedSpectrum s = certified(head, {.values = 32, .probes = 8});
    CHECK(s.basis <= 240);
    check_intervals(head, s, misses);
  }
  CAPTURE(misses.intervals, misses.missed);
  CHECK(static_cast<double>(misses.missed) <= 0.01 * static_cast<double>(misses.intervals));
}

TEST_CASE("intervals hold where the residual's chain ends early") {
  Misses misses;
  for (const auto& [name, head] : heads(400)) {
    for (const double tolerance : {0.3, 0.03, 3e-3}) {
      for (const int64_t values : {1, 16}) {
        CAPTURE(name, tolerance, values);
        check_intervals(head, certified(head, {.values = values, .tolerance = tolerance, .probes = 0}),
                        misses);
      }
    }
  }
  CAPTURE(misses.intervals, misses.missed);
  CHECK(misses.missed == 0);
}

// Probes see the square of a normal number where one direction matters, and next to nothing that varies where
// P is nearly the identity.
TEST_CASE("the interval of Σσ holds however few values there are and however skewed the probes") {
  std::vector<std::pair<std::string, QueryKeyHead>> heads;
  QueryKeyHead few = testing::gaussian_head(128, 128, 32, 0, false, 1);
  const QueryKeyHead keys = testing::gaussian_head(128, 128, 32, 1, false, 2);
  for (const int64_t row : {5, 40, 90}) {
    for (int64_t c = 0; c < 32; ++c) few.q.at(row, c) = 30 * keys.k.at(row, c);
  }
  few.k = keys.k;
  heads.emplace_back("three rows of their own", few);
  heads.emplace_back("nearly the identity", identity_head(128, 32, 1, 2));
  heads.emplace_back("flat", testing::gaussian_head(128, 128, 16, 0.1, false, 3));
  heads.emplace_back("sharp and causal", testing::gaussian_head(128, 128, 32, 3, true, 4));
  heads.emplace_back("one-hot", testing::local_head(128, 16, 60, 0, 5));
  for (const auto& [name, head] : heads) {
    Misses misses;
    for (uint64_t seed = 1; seed <= 100; ++seed) {
      check_intervals(head, certified(head, {.values = 1, .basis = 1, .seed = seed}), misses);
    }
    CAPTURE(name, misses.intervals, misses.missed);
    CHECK(misses.missed <= 1);  // a head's intervals hold together at 99 %
  }
}

// S is a product of vectors as long as σ₁ where there is one block, and σ₂ is nothing beside its rounding.
TEST_CASE("intervals of values far below σ₁ hold however small the basis") {
  Misses misses;
  for (const double score : {2.5, 4.5}) {
    const QueryKeyHead head = sink_head(91, score, 1);
    for (const int64_t basis : {16, 32}) {
      for (uint64_t seed = 1; seed <= 30; ++seed) {
        check_intervals(head, certified(head, {.values = 16, .basis = basis, .probes = 2, .seed = seed}),
                        misses);
      }
    }
  }
  CAPTURE(misses.intervals, misses.missed);
  CHECK(misses.missed == 0);
}

TEST_CASE(
    "the interval of Σσ is narrow where the basis or the probes say much, and wider with fewer of them") {
  const auto width = [](const QueryKeyHead& head, const CertifiedOptions& options) {
    const Interval norm = certified(head, options).nuclear_norm.value();
    return (norm.high - norm.low) / norm.low;
  };
  const QueryKeyHead medium = testing::gaussian_head(512, 512, 64, 1, false, 2);
  CHECK(width(medium, {.values = 64}) < 0.08);
  CHECK(width(medium, {.values = 64, .probes = 1}) > 2 * width(medium, {.values = 64}));
  CHECK(width(medium, {.values = 64, .probes = 64}) < 0.04);
  CHECK(width(medium, {.values = 512}) < 0.01);
  CHECK(width(identity_head(512, 32, 1, 2), {.values = 8}) < 0.01);
  CHECK(width(testing::gaussian_head(2000, 2000, 16, 0, false, 4), {.values = 8}) < 0.003);  // uniform
}

TEST_CASE("operations are those of two passes a block, the residual's chain and the probes") {
  // P [1000, 500], d = 8: five blocks of 80 vectors, of which any but the first may be the last.
  const auto pass = [](double columns) { return 2 * 1000.0 * 500 * (8 + columns); };
  const CertifiedOptions options{.values = 160, .probes = 0};
  const double basis = pass(80 + 16) + 2 * pass(80) + 8 * pass(80 + 16), residual = 3 * pass(16);
  CHECK(certified_operations(1000, 500, 8, options) == Approx(basis + residual));
  CertifiedOptions probes = options;
  probes.probes = 4;
  CHECK(certified_operations(1000, 500, 8, probes) == Approx(basis + residual + 2 * 10 * pass(4)));
  // One block, which the chain does not go along with; and a basis that may have all rows, without a chain.
  CHECK(certified_operations(1000, 500, 8, {.values = 80, .basis = 80, .probes = 0}) ==
        Approx(pass(80 + 16) + 2 * pass(80) + 5 * pass(16)));
  const auto small = [](double columns) { return 2 * 60.0 * 500 * (8 + columns); };
  CHECK(certified_operations(60, 500, 8, {.values = 80, .probes = 0}) ==
        Approx(small(60 + 16) + 2 * small(60)));
}

TEST_CASE("values that iteration has found have narrow intervals") {
  const QueryKeyHead head = testing::gaussian_head(800, 800, 64, 1, false, 2);
  const CertifiedSpectrum s = certified(head, {.values = 64, .probes = 0});
  for (size_t m = 0; m < 32; ++m) CHECK(s.sigma[m].high - s.sigma[m].low <= 0.02 * s.values[m]);
  CHECK(s.energy[31].high - s.energy[31].low <= 0.01);
  CHECK(s.sure_energy[31].high - s.sure_energy[31].low > 2 * (s.energy[31].high - s.energy[31].low));
  CHECK_FALSE(s.nuclear_norm);
  CHECK(s.cumulative.empty());
}

TEST_CASE("iteration ends early where the tolerance is reached") {
  const QueryKeyHead head = testing::gaussian_head(600, 600, 8, 0.5, false, 10);
  const CertifiedSpectrum coarse = certified(head, {.values = 40, .tolerance = 0.1, .probes = 0});
  const CertifiedSpectrum fine = certified(head, {.values = 40, .tolerance = 1e-9, .probes = 0});
  CHECK(coarse.within_tolerance);
  CHECK_FALSE(fine.within_tolerance);
  CHECK(coarse.basis < fine.basis);
}

TEST_CASE(
    "iteration goes on until the certificate is about as narrow as it should be, or the basis is spent") {
  constexpr double kTolerance = 0.02;
  for (const auto& [name, head] : heads(1024)) {
    const CertifiedSpectrum s = certified(head, {.values = 32, .tolerance = kTolerance, .probes = 0});
    const Interval& energy = s.energy.back();
    CAPTURE(name, s.basis, energy.low, energy.high);
    CHECK(s.within_tolerance == (energy.high - energy.low <= kTolerance));
    CHECK((energy.high - energy.low <= 1.5 * kTolerance || s.basis >= 32 + 2 * kKrylovWidth));
  }
}

TEST_CASE("a larger basis makes the last values converge, until the tolerance is reached") {
  const QueryKeyHead head = testing::gaussian_head(900, 900, 16, 1.5, false, 2);
  CertifiedOptions few{.values = 64, .tolerance = 0.003, .basis = 80, .probes = 0}, many = few;
  many.basis = 512;
  const CertifiedSpectrum before = certified(head, few), after = certified(head, many);
  const std::vector<double> truth = testing::dense_values(head);
  CHECK_FALSE(before.within_tolerance);
  CHECK(after.within_tolerance);
  CHECK(after.basis > before.basis);
  CHECK(after.basis <= 518);  // seven blocks of 74
  CHECK(std::abs(after.values.back() - truth[63]) < 0.1 * std::abs(before.values.back() - truth[63]));
}

TEST_CASE("more equal values than a block has columns are found by chains that begin anew") {
  const QueryKeyHead head = identity_head(300, 64, 100, 6);
  const std::vector<double> truth = testing::dense_values(head);
  for (const int64_t values : {80, 160, 300}) {
    const CertifiedSpectrum s = certified(head, {.values = values, .probes = 0});
    CAPTURE(values);
    REQUIRE(std::ssize(s.values) == values);
    CHECK(s.values.back() == Approx(truth[s.values.size() - 1]).epsilon(values < 300 ? 1e-4 : 2e-3));
    for (size_t m = 0; m < s.values.size(); ++m) CHECK(s.values[m] <= s.sure_sigma[m].high);
  }
}

TEST_CASE("a basis that was asked for has room for all values, whatever it is divided into") {
  const QueryKeyHead head = testing::gaussian_head(600, 600, 16, 1.5, false, 4);
  for (const auto& [values, basis] : {std::pair<int64_t, int64_t>{1, 1},
                                      {20, 20},
                                      {79, 79},
                                      {81, 81},
                                      {100, 100},
                                      {129, 129},
                                      {100, 161}}) {
    const CertifiedSpectrum s =
        certified(head, {.values = values, .tolerance = 1e-12, .basis = basis, .probes = 0});
    CAPTURE(values, basis, s.basis);
    CHECK(std::ssize(s.values) == values);
    CHECK(s.basis >= basis);
    CHECK(s.basis < basis + 3);
    Misses misses;
    check_intervals(head, s, misses);
    CHECK(misses.missed == 0);
  }
}

TEST_CASE("every tiny P has all of its values") {
  for (const int64_t n : {1, 2, 3, 17}) {
    for (const bool causal : {false, true}) {
      const QueryKeyHead head = testing::gaussian_head(n, n, 8, 2, causal, 11);
      const std::vector<double> truth = testing::dense_values(head);
      const CertifiedSpectrum s = certified(head, {.values = 40, .probes = 2});
      CAPTURE(n, causal);
      for (size_t m = 0; m < truth.size(); ++m) {
        const double value = m < s.values.size() ? s.values[m] : 0;
        CHECK(std::abs(value - truth[m]) <= 1e-5 * truth[0]);
      }
      CHECK(s.sure_energy.back().high - s.sure_energy.back().low <= 1e-4);
      REQUIRE(s.nuclear_norm);
      Misses misses;
      check_intervals(head, s, misses);
      CHECK(misses.missed == 0);
    }
  }
}

TEST_CASE("there are no more values than rows or columns, whatever the scores") {
  for (const double deviation : {1.0, 30.0, 300.0}) {
    for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{33, 15}, {15, 33}, {16, 7}}) {
      const QueryKeyHead head = testing::gaussian_head(rows, cols, 64, deviation, false, 3);
      const CertifiedSpectrum s = certified(head, {.values = 64, .probes = 2});
      CAPTURE(deviation, rows, cols);
      CHECK(std::ssize(s.values) <= std::min(rows, cols));
      CHECK(s.sigma.size() == s.values.size());
    }
  }
}

TEST_CASE("a certified spectrum does not depend on threads") {
  const QueryKeyHead head = testing::gaussian_head(500, 500, 16, 1, true, 12);
  const CertifiedSpectrum one = certified(head, {.values = 16, .probes = 4}, 1);
  const CertifiedSpectrum three = certified(head, {.values = 16, .probes = 4}, 3);
  CHECK(one.values == three.values);
  CHECK(one.nuclear_norm->low == three.nuclear_norm->low);
  CHECK(one.residual_bound == three.residual_bound);
}

TEST_CASE("a stop leaves no certificate") {
  const QueryKeyHead head = testing::gaussian_head(100, 100, 16, 1, true, 13);
  MemoryAccount memory;
  StopFlag stop;
  stop.request();
  Run run{.memory = memory, .threads = 1, .stop = &stop};
  CHECK_FALSE(certified_spectrum(head.view(), {.values = 16}, 0, run));
}

}  // namespace linformer
