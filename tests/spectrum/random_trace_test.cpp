// SPDX-License-Identifier: MIT
#include "spectrum/random_trace.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "catch.h"

namespace linformer {
namespace {

struct Spectrum {
  std::string name;
  std::vector<double> eigenvalues;

  TraceFacts facts() const {
    TraceFacts n{.size = std::ssize(eigenvalues)};
    for (const double value : eigenvalues) {
      n.energy += value * value;
      n.norm = std::max(n.norm, value);
    }
    return n;
  }
  double trace() const {
    double sum = 0;
    for (const double value : eigenvalues) sum += value;
    return sum;
  }
};

std::vector<Spectrum> spectra() {
  std::vector<double> halving, tail(200, 0.01), few(100, 0.0);
  for (int i = 0; i < 40; ++i) halving.push_back(std::pow(0.5, i));
  tail[0] = 1;
  std::fill_n(few.begin(), 3, 2.0);
  return {{"one", {3}},
          {"rank one", {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
          {"three equal ones", few},
          {"halving", halving},
          {"one and a tail", tail},
          {"identity", std::vector<double>(64, 1.0)}};
}

// Σ gᵀNg / Σ gᵀg of so many probes of a diagonal N.
double probed(const Spectrum& n, int64_t probes, Random& random) {
  double sum = 0, squares = 0;
  for (int64_t probe = 0; probe < probes; ++probe) {
    for (const double value : n.eigenvalues) {
      const double g = random.normal();
      sum += value * g * g;
      squares += g * g;
    }
  }
  return sum / squares;
}

}  // namespace

TEST_CASE("bounds of a trace by random probes hold as often as they say, however few eigenvalues matter") {
  constexpr int64_t kDraws = 2000;
  constexpr double kRisk = 0.05;
  for (const Spectrum& n : spectra()) {
    for (const int64_t probes : {1, 2, 16}) {
      Random random({.seed = 1, .purpose = 2, .index = static_cast<uint64_t>(probes)});
      int64_t above = 0, below = 0;
      for (int64_t draw = 0; draw < kDraws; ++draw) {
        const double mean = probed(n, probes, random), room = 1e-9 * n.trace();
        above += n.trace() > most_trace(n.facts(), probes, mean, kRisk) + room;
        below += n.trace() < least_trace(n.facts(), probes, mean, kRisk) - room;
      }
      CAPTURE(n.name, probes, above, below);
      CHECK(static_cast<double>(above) <= kRisk * static_cast<double>(kDraws));
      CHECK(static_cast<double>(below) <= kRisk * static_cast<double>(kDraws));
    }
  }
}

TEST_CASE("bounds of a trace are as near as the central limit theorem allows, and meet for the identity") {
  // 1000 eigenvalues, half of them 1: the mean of 16 probes has a variance of ‖N − τ‖_F² · 2/16.
  const TraceFacts half{.size = 1000, .energy = 500, .norm = 1};
  const double deviation = std::sqrt(2.0 / 16 * 250);
  const double above = (most_trace(half, 16, 0.5, 0.0045) - 500) / deviation;
  const double below = (500 - least_trace(half, 16, 0.5, 0.0045)) / deviation;
  CHECK(above > 2.61);  // the normal quantile
  CHECK(above < 3.6);   // √(2 log(1/risk)) is 3.29
  CHECK(below > 2.61);
  CHECK(below < 3.6);
  const TraceFacts identity{.size = 1000, .energy = 1000, .norm = 1};
  CHECK(most_trace(identity, 16, 1, 0.001) == Approx(1000));
  CHECK(least_trace(identity, 16, 1, 0.001) == Approx(1000));
}

TEST_CASE("bounds of a trace grow with the mean, and narrow with probes and risk") {
  const TraceFacts n{.size = 100, .energy = 30, .norm = 2};
  double most = 0, least = 0;
  for (double mean = 0; mean < 2; mean += 0.01) {  // √(energy/size) is 0.55
    CAPTURE(mean);
    CHECK(most_trace(n, 16, mean, 0.01) >= most);
    CHECK(least_trace(n, 16, mean, 0.01) >= least);
    most = most_trace(n, 16, mean, 0.01), least = least_trace(n, 16, mean, 0.01);
    CHECK(least <= most);
    CHECK(most <= std::sqrt(100 * 30.0));
    CHECK(most_trace(n, 64, mean, 0.01) <= most);
    CHECK(least_trace(n, 64, mean, 0.01) >= least);
    CHECK(most_trace(n, 16, mean, 0.1) <= most);
    CHECK(least_trace(n, 16, mean, 0.1) >= least);
  }
  CHECK(least_trace(n, 16, 0, 0.01) == 0);
  CHECK(most_trace({.size = 100}, 16, 0, 0.01) == 0);
}

}  // namespace linformer
