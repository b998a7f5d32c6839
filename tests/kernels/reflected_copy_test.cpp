// SPDX-License-Identifier: MIT
#include "kernels/reflected_copy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "kernels/every_target.h"

using namespace linformer;

namespace {

std::vector<float> normals(int64_t count, uint64_t seed) {
  Random random({.seed = seed, .purpose = 99, .index = 0});
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) x = random.normal();
  return values;
}

// A matrix of every way to miss whole vectors, and the vectors of its products.
struct Case {
  Case(int64_t rows, int64_t cols)
      : data(normals(rows * (cols + 3), 1)), p{data.data(), rows, cols, cols + 3} {
    for (uint64_t i = 0; i < 3; ++i) left[i] = normals(rows, 2 + i), right[i] = normals(cols, 5 + i);
  }

  LessProducts less(int count) const {
    return {.scale = 0.5f,
            .count = count,
            .left = {left[0].data(), left[1].data(), left[2].data()},
            .right = {right[0].data(), right[1].data(), right[2].data()}};
  }
  double expected(int64_t i, int64_t j, int count) const {
    double x = 0.5 * double(p.data[i * p.stride + j]);
    for (int k = 0; k < count; ++k) {
      x -= double(left[k][static_cast<size_t>(i)]) * double(right[k][static_cast<size_t>(j)]);
    }
    return x;
  }

  std::vector<float> data;
  RowMajor p;
  std::vector<float> left[3], right[3];
};

template <class Check>
void on_cases(const Check& check) {
  on_every_target([&] {
    for (const auto& [rows, cols] :
         {std::pair<int64_t, int64_t>{1, 1}, {16, 16}, {33, 50}, {50, 33}, {7, 3}, {19, 515}}) {
      INFO(rows << " x " << cols);
      check(Case(rows, cols));
    }
  });
}

}  // namespace

TEST_CASE("a matrix less products is copied as it is and transposed, and nothing beside it is touched") {
  on_cases([](const Case& c) {
    const int64_t rows = c.p.rows, cols = c.p.cols;
    for (const int count : {2, 3}) {
      std::vector<float> plain(static_cast<size_t>(rows * (cols + 1)), 7.0f);
      std::vector<float> turned(static_cast<size_t>(cols * (rows + 1)), 7.0f);
      copy_less_products(c.p, c.less(count), plain.data(), cols + 1);
      copy_transposed_less_products(c.p, c.less(count), turned.data(), rows + 1);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < cols; ++j) {
          const double expected = c.expected(i, j, count);
          CHECK(plain[static_cast<size_t>(i * (cols + 1) + j)] == Approx(expected).margin(2e-6));
          CHECK(turned[static_cast<size_t>(j * (rows + 1) + i)] == Approx(expected).margin(2e-6));
        }
      }
      for (int64_t i = 0; i < rows; ++i) CHECK(plain[static_cast<size_t>(i * (cols + 1) + cols)] == 7);
      for (int64_t j = 0; j < cols; ++j) CHECK(turned[static_cast<size_t>(j * (rows + 1) + rows)] == 7);
    }
  });
}

TEST_CASE("sums of columns and rows and the largest magnitude are those of plain loops") {
  on_cases([](const Case& c) {
    const int64_t rows = c.p.rows, cols = c.p.cols;
    std::vector<double> along(static_cast<size_t>(cols)), sums(along.size()),
        across(static_cast<size_t>(rows)), dots(across.size());
    weighted_sums(c.p, 0.25f, c.left[0].data(), c.right[0].data(), along.data(), sums.data(), across.data());
    std::vector<double> along_alone(along.size()), across_alone(across.size());
    weighted_sums(c.p, 0.25f, c.left[0].data(), c.right[0].data(), along_alone.data(), nullptr,
                  across_alone.data());
    CHECK(along_alone == along);
    CHECK(across_alone == across);
    float most = 0;
    for (int64_t j = 0; j < cols; ++j) {
      double a = 0, s = 0;
      for (int64_t i = 0; i < rows; ++i) {
        const float x = c.p.data[i * c.p.stride + j];
        most = std::max(most, std::abs(x));
        a += 0.25 * double(x) * double(c.left[0][static_cast<size_t>(i)]);
        s += 0.25 * double(x);
        dots[static_cast<size_t>(i)] += 0.25 * double(x) * double(c.right[0][static_cast<size_t>(j)]);
      }
      CHECK(along[static_cast<size_t>(j)] == Approx(a).margin(1e-5));
      CHECK(sums[static_cast<size_t>(j)] == Approx(s).margin(1e-5));
    }
    for (size_t i = 0; i < dots.size(); ++i) CHECK(across[i] == Approx(dots[i]).margin(1e-5));
    CHECK(largest_magnitude(c.p) == most);
  });
}

TEST_CASE("the largest magnitude is not finite where any entry is not, and what lies between rows is none") {
  on_cases([](Case&& c) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity(),
                    kNaN = std::numeric_limits<float>::quiet_NaN();
    for (int64_t i = 0; i < c.p.rows; ++i) c.data[static_cast<size_t>(i * c.p.stride + c.p.cols)] = kNaN;
    CHECK(std::isfinite(largest_magnitude(c.p)));
    for (int64_t at = 0; at < c.p.rows * c.p.cols; at += 5) {
      float& entry = c.data[static_cast<size_t>(at / c.p.cols * c.p.stride + at % c.p.cols)];
      for (const float bad : {kInfinity, -kInfinity, kNaN, -kNaN}) {
        const float before = std::exchange(entry, bad);
        CHECK_FALSE(std::isfinite(largest_magnitude(c.p)));
        entry = before;
      }
    }
  });
}
