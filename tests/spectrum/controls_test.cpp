// SPDX-License-Identifier: MIT
#include "spectrum/controls.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "spectrum/matrices.h"
#include "spectrum/singular_values.h"
#include "spectrum/statistics.h"

using namespace linformer;
using namespace linformer::testing;

namespace {

void naive_product(MatrixView<const float> q, MatrixView<const float> k, MatrixView<float> out) {
  for (int64_t i = 0; i < q.rows; ++i)
    for (int64_t j = 0; j < k.rows; ++j) {
      double sum = 0;
      for (int64_t c = 0; c < q.cols; ++c)
        sum += static_cast<double>(q.row(i)[c]) * static_cast<double>(k.row(j)[c]);
      out.row(i)[j] = static_cast<float>(sum);
    }
}

const RandomStream kStream = control_stream(1, ControlPurpose::kMatched, 2, 3, 4);

MatchedResult matched(Matrix& p, MatchedOptions options, const RandomStream& stream = kStream) {
  std::vector<float> workspace(static_cast<size_t>(matched_workspace(p.rows, p.cols, options.d)));
  return matched_control(p.view(), options, stream, naive_product, workspace);
}

double largest_entropy(int64_t rows, int64_t cols, bool causal) {
  double sum = 0;
  for (int64_t i = 0; i < rows; ++i) sum += std::log(double(causal ? std::min(cols, i + 1) : cols));
  return sum / double(rows);
}

std::vector<float> row_of(const Matrix& p, int64_t i, int64_t from, int64_t to) {
  return {p.data.begin() + i * p.stride + from, p.data.begin() + i * p.stride + to};
}

}  // namespace

TEST_CASE("permuted keeps each row's entries within its support, and its own order per row") {
  for (const bool causal : {false, true})
    for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{40, 40}, {40, 25}, {25, 40}, {1, 1}}) {
      const Matrix before = gaussian_attention(rows, cols, 1, causal, 5);
      Matrix p = before;
      permute_rows(p.view(), causal, control_stream(1, ControlPurpose::kPermuted, 0, 0, 0));
      bool moved = false;
      for (int64_t i = 0; i < rows; ++i) {
        const int64_t valid = causal ? std::min(cols, i + 1) : cols;
        auto a = row_of(before, i, 0, valid);
        auto b = row_of(p, i, 0, valid);
        moved |= a != b;
        std::sort(a.begin(), a.end());
        std::sort(b.begin(), b.end());
        CHECK(a == b);
        CHECK(row_of(p, i, valid, p.stride) == row_of(before, i, valid, p.stride));
      }
      CHECK(moved == (rows > 1));
    }
}

TEST_CASE("permuted puts every entry everywhere equally often") {
  const int64_t n = 5;
  std::vector<int> counts(n * n);
  for (int64_t trial = 0; trial < 5000; ++trial) {
    Matrix p = fill(1, n, [](int64_t, int64_t j) { return double(j); });
    permute_rows(p.view(), false, control_stream(1, ControlPurpose::kPermuted, trial, 0, 0));
    for (int64_t j = 0; j < n; ++j) ++counts[static_cast<size_t>(p.at(0, j)) * n + static_cast<size_t>(j)];
  }
  for (const int count : counts) CHECK(std::abs(count - 1000) < 150);  // over 5 standard deviations
}

TEST_CASE("causal-uniform has 1/(i + 1) up to the diagonal") {
  Matrix p(4, 3);
  causal_uniform(p.view());
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 3; ++j)
      CHECK(p.at(i, j) == (j <= i ? 1.0f / static_cast<float>(std::min<int64_t>(i + 1, 3)) : 0.0f));
    CHECK(p.at(i, 3) == 99.0f);  // beyond the columns
  }
}

TEST_CASE("matched has the mean row entropy asked for, rows that sum to 1, and zeros above the diagonal") {
  for (const bool causal : {false, true})
    for (const auto& [rows, cols] :
         {std::pair<int64_t, int64_t>{64, 64}, {197, 197}, {30, 90}, {90, 30}, {3, 2}})
      for (const double share : {0.999, 0.9, 0.5, 0.2, 0.02, 0.001}) {
        const double target = share * largest_entropy(rows, cols, causal);
        Matrix p(rows, cols);
        const MatchedResult result = matched(p, {.d = 8, .causal = causal, .entropy = target});
        INFO("causal " << causal << " [" << rows << ", " << cols << "] share " << share << " scale "
                       << result.scale << " evaluations " << result.evaluations);
        if (result.scale < 0.99 * kLargestScale)
          CHECK(std::abs(map_moments(p.view()).row_entropy - target) <= 1e-6 * std::log(double(cols)));
        CHECK((result.scale < 0.99 * kLargestScale || rows < 10));
        CHECK(result.evaluations < 40);
        for (int64_t i = 0; i < rows; ++i) {
          double sum = 0;
          for (int64_t j = 0; j < cols; ++j) {
            sum += static_cast<double>(p.at(i, j));
            CHECK(p.at(i, j) >= 0);
            if (causal && j > i) CHECK(p.at(i, j) == 0);
          }
          CHECK(sum == Approx(1).epsilon(1e-5));
        }
      }
}

TEST_CASE("the logarithm of matched has the rank of its logits and one constant a row more") {
  const int64_t n = 48, d = 6;
  Matrix p(n, n);
  matched(p, {.d = d, .causal = false, .entropy = 0.9 * std::log(double(n))});
  Matrix logits = fill(n, n, [&](int64_t i, int64_t j) { return std::log(static_cast<double>(p.at(i, j))); });
  MemoryAccount memory;
  Run run{.memory = memory};
  std::vector<double> values(static_cast<size_t>(n));
  const SpectrumTask task{logits.view(), values, {}};
  make_singular_values("gesdd-f64")->compute({&task, 1}, run);
  CHECK(values[d] > 0.05);      // log Z of each row
  CHECK(values[d + 1] < 1e-4);  // nothing else but rounding
}

TEST_CASE("matched gives what comes nearest where no scale reaches the entropy") {
  Matrix p(20, 20);
  for (const double target : {std::log(20.0), 5.0}) {
    CHECK(matched(p, {.d = 4, .causal = false, .entropy = target}).scale == 0);
    CHECK(p.at(3, 7) == Approx(0.05f));
  }
  CHECK(matched(p, {.d = 4, .causal = true, .entropy = 5}).scale == 0);
  CHECK(p.at(3, 2) == Approx(0.25f));
  CHECK(p.at(3, 4) == 0);
  CHECK(matched(p, {.d = 4, .causal = false, .entropy = -1}).scale == Approx(kLargestScale));
  CHECK(map_moments(p.view()).row_entropy < 1e-3);
  Matrix one(5, 1);
  CHECK(matched(one, {.d = 4, .causal = false, .entropy = 0}).scale == 0);
  CHECK(one.at(4, 0) == 1);
  Matrix none(0, 4);
  CHECK_NOTHROW(matched(none, {.d = 4, .causal = false, .entropy = 1}));
  CHECK_THROWS_AS(matched(p, {.d = 4, .causal = false, .entropy = std::nan("")}), Error);
}

TEST_CASE("entropy falls as the solved scale rises") {
  const Matrix logits = fill(60, 60, [](int64_t i, int64_t j) { return std::sin(double(i * 61 + j * j)); });
  double last = -1;
  for (const double target : {4.0, 3.0, 2.0, 1.0, 0.5}) {
    const MatchedResult result = solve_scale(logits.view(), false, target);
    CHECK(result.scale > last);
    CHECK(result.entropy == Approx(target).epsilon(1e-5));
    last = result.scale;
  }
}

TEST_CASE("controls depend on their stream and on nothing else") {
  const auto draw = [](const RandomStream& stream) {
    Matrix p(12, 12);
    matched(p, {.d = 3, .causal = false, .entropy = 2}, stream);
    return p.data;
  };
  const auto base = draw(control_stream(1, ControlPurpose::kMatched, 2, 3, 4));
  CHECK(base == draw(control_stream(1, ControlPurpose::kMatched, 2, 3, 4)));
  CHECK(base != draw(control_stream(2, ControlPurpose::kMatched, 2, 3, 4)));
  CHECK(base != draw(control_stream(1, ControlPurpose::kPermuted, 2, 3, 4)));
  CHECK(base != draw(control_stream(1, ControlPurpose::kMatched, 3, 3, 4)));
  CHECK(base != draw(control_stream(1, ControlPurpose::kMatched, 2, 4, 4)));
  CHECK(base != draw(control_stream(1, ControlPurpose::kMatched, 2, 3, 5)));
  CHECK(base != draw(control_stream(1, ControlPurpose::kMatched, 2, 4, 3)));
}

TEST_CASE("every control has one entry, which says what it needs") {
  CHECK(control_names() == std::vector<std::string>{"none", "permuted", "matched", "causal-uniform", "init"});
  for (const ControlKind& control : kControls) {
    CHECK(find_control(control.name) == &control);
    CHECK(control.needs_causal == (control.name == std::string("causal-uniform")));
    CHECK(control.needs_checkpoint == (control.name == std::string("init")));
    CHECK(control_help().find(std::string(control.name) + " (" + control.help) != std::string::npos);
  }
  CHECK(find_control("none") == nullptr);
  CHECK(find_control("") == nullptr);
}
