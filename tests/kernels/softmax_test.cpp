// SPDX-License-Identifier: MIT
#include "kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "kernels/every_target.h"

using namespace linformer;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The twin: softmax(scale x) in f64.
std::vector<double> softmax(std::vector<float> x, double scale) {
  double max = -std::numeric_limits<double>::infinity();
  for (const float value : x) max = std::max(max, scale * static_cast<double>(value));
  std::vector<double> p(x.size());
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += p[i] = std::exp(scale * static_cast<double>(x[i]) - max);
  for (double& value : p) value /= sum;
  return p;
}

double naive_entropy(const std::vector<double>& p) {
  double h = 0;
  for (const double value : p)
    if (value > 0) h -= value * std::log(value);
  return h;
}

std::vector<float> normals(int64_t count, uint64_t seed) {
  Random random({.seed = seed, .purpose = 1, .index = 0});
  std::vector<float> x(static_cast<size_t>(count));
  for (float& value : x) value = random.normal();
  return x;
}

const std::vector<int64_t> kCounts = {1,  2,  3,  4,  5,  7,  8,   9,   15,  16,   17,   31,  32,
                                      33, 47, 63, 64, 65, 77, 127, 197, 512, 1023, 1025, 2500};

}  // namespace

TEST_CASE("softmax_rows agrees with softmax in f64 at every length and scale") {
  on_every_target([] {
    for (const int64_t n : kCounts)
      for (const float scale : {0.0f, 0.05f, 1.0f, 8.0f, 40.0f}) {
        std::vector<float> x = normals(n, static_cast<uint64_t>(n));
        const std::vector<double> expected = softmax(x, static_cast<double>(scale));
        softmax_rows(x.data(), 1, n, n, scale, false, 0);
        double worst = 0;
        for (size_t i = 0; i < x.size(); ++i) {
          const double p = expected[i];
          if (p < 1e-34) continue;  // e^-80 over the sum and less: 0
          // 2 ulp of exp, 1 of the sum, 2 of the rounded argument
          const double bound = p * (6e-7 + 1.2e-7 * std::abs(std::log(p)));
          worst = std::max(worst, std::abs(static_cast<double>(x[i]) - p) / bound);
        }
        INFO("n " << n << " scale " << scale);
        CHECK(worst < 1);
      }
  });
}

TEST_CASE("the exponential is within 2 ulp, and 0 below e^-80 so that nothing is subnormal") {
  on_every_target([] {
    double worst = 0;
    for (float t = 17.5f; t < 110; t += 0.001f) {
      float pair[2] = {0, -t};  // from 17.5 on the sum of both rounds to 1, and nothing but exp is seen
      softmax_rows(pair, 1, 2, 2, 1, false, 0);
      const auto exact = static_cast<float>(std::exp(-static_cast<double>(t)));
      const float ulp = std::nextafter(exact, 1.0f) - exact;
      const double error = static_cast<double>(std::abs(pair[1] - exact) / ulp);
      worst = std::max(worst, t <= 80 ? error : pair[1] == 0 ? 0 : 1e9);
    }
    CHECK(worst <= 2);
    double worst_share = 0;
    for (float t = 0; t < 17.5f; t += 0.0005f) {
      float pair[2] = {0, -t};
      softmax_rows(pair, 1, 2, 2, 1, false, 0);
      const double exact = 1 / (1 + std::exp(static_cast<double>(t)));
      worst_share = std::max(worst_share, std::abs(static_cast<double>(pair[1]) / exact - 1));
    }
    CHECK(worst_share < 4e-7);
  });
}

TEST_CASE("softmax_rows keeps to its rows, columns and causal mask") {
  on_every_target([] {
    for (const int64_t first_row : {0, 3}) {
      const int64_t rows = 6, cols = 7, stride = 9;
      std::vector<float> x = normals(rows * stride, 5);
      const std::vector<float> before = x;
      softmax_rows(x.data(), rows, cols, stride, 2, true, first_row);
      for (int64_t i = 0; i < rows; ++i) {
        const auto row = before.begin() + i * stride;
        const int64_t valid = std::min(cols, first_row + i + 1);
        const std::vector<double> expected = softmax({row, row + valid}, 2);
        for (int64_t j = 0; j < stride; ++j) {
          const auto at = static_cast<size_t>(i * stride + j);
          if (j < valid)
            CHECK(static_cast<double>(x[at]) == Approx(expected[static_cast<size_t>(j)]).epsilon(1e-6));
          else
            CHECK(x[at] == (j < cols ? 0.0f : before[at]));
        }
      }
    }
  });
}

TEST_CASE("softmax_rows treats -inf as masked, gives zeros where all is masked, and keeps NaN") {
  on_every_target([] {
    for (const int64_t n : kCounts) {
      std::vector<float> x(static_cast<size_t>(n), -kInfinity);
      softmax_rows(x.data(), 1, n, n, 0.125f, false, 0);
      CHECK(std::all_of(x.begin(), x.end(), [](float p) { return p == 0; }));
      for (const float poison : {std::nanf(""), kInfinity})
        for (const float others : {0.0f, -kInfinity, 1e30f}) {
          std::fill(x.begin(), x.end(), others);
          x[static_cast<size_t>(n) / 2] = poison;
          softmax_rows(x.data(), 1, n, n, 1, false, 0);
          CHECK(std::isnan(x[static_cast<size_t>(n) / 2]));
        }
      std::fill(x.begin(), x.end(), -kInfinity);
      x.back() = -3;
      softmax_rows(x.data(), 1, n, n, 1, false, 0);
      CHECK(x.back() == 1);
      CHECK(std::count(x.begin(), x.end(), 0.0f) == n - 1);
      std::fill(x.begin(), x.end(), std::numeric_limits<float>::lowest());
      softmax_rows(x.data(), 1, n, n, 4, false, 0);
      CHECK(static_cast<double>(x.back()) == Approx(1 / static_cast<double>(n)));
    }
    float untouched = 7;
    softmax_rows(&untouched, 0, 1, 1, 1, false, 0);
    softmax_rows(&untouched, 1, 0, 1, 1, false, 0);
    CHECK(untouched == 7);
  });
}

TEST_CASE("softmax_moments agree with entropy and variance in f64") {
  on_every_target([] {
    for (const int64_t n : kCounts)
      for (const double alpha : {0.0, 0.05, 1.0, 8.0, 300.0}) {
        const std::vector<float> x = normals(n, 90 + static_cast<uint64_t>(n));
        const std::vector<double> p = softmax(x, alpha);
        double mean = 0, variance = 0;
        for (size_t i = 0; i < p.size(); ++i) mean += p[i] * static_cast<double>(x[i]);
        for (size_t i = 0; i < p.size(); ++i)
          variance += p[i] * std::pow(static_cast<double>(x[i]) - mean, 2);
        const SoftmaxMoments moments = softmax_moments(x.data(), n, static_cast<float>(alpha));
        INFO("n " << n << " alpha " << alpha);
        CHECK(std::abs(moments.entropy - naive_entropy(p)) < 3e-7 * std::max(1.0, std::log(n)));
        CHECK(std::abs(moments.variance - variance) < 1e-5);
      }
    const std::vector<float> masked = {1, -kInfinity, 1, -kInfinity, -kInfinity};
    CHECK(softmax_moments(masked.data(), 5, 2).entropy == Approx(std::log(2.0)));
    CHECK(softmax_moments(masked.data(), 5, 2).variance == 0);
    CHECK(softmax_moments(masked.data(), 0, 2).entropy == 0);
    CHECK(std::isnan(softmax_moments(std::vector<float>{0, std::nanf(""), 1}.data(), 3, 2).entropy));
  });
}

TEST_CASE("moments of a row of probabilities count zeros and subnormals as nothing, and keep NaN") {
  on_every_target([] {
    for (const int64_t n : kCounts)
      for (const double scale : {0.0, 1.0, 30.0}) {
        const std::vector<double> exact = softmax(normals(n, static_cast<uint64_t>(n)), scale);
        const std::vector<float> p(exact.begin(), exact.end());
        const std::vector<double> rounded(p.begin(), p.end());
        const RowMoments row = row_moments(p.data(), n);
        const double squares = std::inner_product(rounded.begin(), rounded.end(), rounded.begin(), 0.0);
        CHECK(std::abs(row.entropy - naive_entropy(rounded)) <
              5e-7 * std::max(1.0, std::log(static_cast<double>(n))));
        CHECK(row.sum == Approx(std::accumulate(rounded.begin(), rounded.end(), 0.0)).epsilon(1e-13));
        CHECK(row.squares == Approx(squares).epsilon(1e-13));
      }
    for (float p = 1e-37f; p <= 1; p *= 1.37f) {  // one term at a time
      const double exact = -static_cast<double>(p) * std::log(static_cast<double>(p));
      CHECK(row_moments(&p, 1).entropy == Approx(exact).epsilon(3e-7));
    }
    const std::vector<float> p = {1, 0, 1e-40f, 0, 0.5f};
    CHECK(row_moments(p.data(), 5).entropy == Approx(0.5 * std::log(2.0)).epsilon(1e-7));
    CHECK(row_moments(p.data(), 0).entropy == 0);
    CHECK(row_moments(p.data(), 1).entropy == 0);
    CHECK(std::isnan(row_moments(std::vector<float>{0, std::nanf("")}.data(), 2).entropy));
    CHECK(std::isnan(row_moments(std::vector<float>{0, std::nanf("")}.data(), 2).sum));
  });
}
