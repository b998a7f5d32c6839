// SPDX-License-Identifier: MIT
#include "spectrum/attention_operator.h"

#include <cstring>
#include <limits>

#include "catch.h"
#include "heads.h"
#include "io/error_of.h"
#include "kernels/every_target.h"

namespace linformer {
namespace {

using testing::Matrix;
using testing::QueryKeyHead;

// The largest difference of both products, and of the moments, from f64 loops.
void check(const QueryKeyHead& head, int64_t width, double tolerance = 1e-5) {
  const int64_t queries = head.q.rows, keys = head.k.rows;
  const std::vector<double> p = testing::dense(head);
  const auto at = [&](int64_t i, int64_t j) { return p[static_cast<size_t>(i * keys + j)]; };
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  AttentionOperator op(head.view(), run);
  const Matrix x = testing::normal_matrix(keys, width, 1, 5),
               y = testing::normal_matrix(queries, width, 1, 6);
  Matrix px(queries, width), pty(keys, width);
  Matrix first(queries, width);
  op.multiply(x.view(), first.view());  // by another kernel
  op.multiply(x.view(), px.view());
  op.multiply_transposed(y.view(), pty.view());
  for (int64_t c = 0; c < width; ++c) {
    for (int64_t i = 0; i < queries; ++i) {
      double sum = 0, size = 0;
      for (int64_t j = 0; j < keys; ++j) {
        sum += at(i, j) * static_cast<double>(x.at(j, c));
        size += at(i, j) * std::abs(static_cast<double>(x.at(j, c)));
      }
      REQUIRE(std::abs(static_cast<double>(px.at(i, c)) - sum) <= tolerance * size);
      REQUIRE(std::abs(static_cast<double>(first.at(i, c)) - sum) <= tolerance * size);
    }
    for (int64_t j = 0; j < keys; ++j) {
      double sum = 0, size = 1e-30;
      for (int64_t i = 0; i < queries; ++i) {
        sum += at(i, j) * static_cast<double>(y.at(i, c));
        size += at(i, j) * std::abs(static_cast<double>(y.at(i, c)));
      }
      REQUIRE(std::abs(static_cast<double>(pty.at(j, c)) - sum) <= tolerance * size);
    }
  }
  double squares = 0, entropy = 0, largest = 0, squared_columns = 0;
  for (int64_t j = 0; j < keys; ++j) {
    double column = 0;
    for (int64_t i = 0; i < queries; ++i) {
      column += at(i, j);
      squares += at(i, j) * at(i, j);
      if (at(i, j) > 0) entropy -= at(i, j) * std::log(at(i, j)) / static_cast<double>(queries);
    }
    largest = std::max(largest, column);
    squared_columns += column * column;
  }
  const AttentionMoments& moments = op.moments();
  CHECK(std::abs(moments.squared_norm - squares) <= tolerance * squares);
  CHECK(std::abs(moments.largest_column - largest) <= tolerance * largest);
  CHECK(std::abs(moments.squared_columns - squared_columns) <= tolerance * squared_columns);
  CHECK(std::abs(moments.mean_row_entropy - entropy) <= tolerance * std::max(entropy, 1.0));
}

Matrix identity(int64_t n) {
  return testing::fill(n, n, [](int64_t i, int64_t j) { return i == j; });
}

}  // namespace

TEST_CASE("products with P and its transpose agree with f64 loops at every size, by every instruction set") {
  on_every_target([] {
    for (const int64_t n : {1, 2, 3, 5, 17, 47, 48, 49, 65, 127, 129, 193, 385}) {
      for (const bool causal : {false, true}) {
        CAPTURE(n, causal);
        check(testing::gaussian_head(n, n, n % 2 == 0 ? 16 : 13, 2, causal, 1), n % 3 == 0 ? 8 : 5);
      }
    }
  });
}

TEST_CASE("products take any width, head size and other numbers of queries than of keys") {
  for (const int64_t width : {1, 7, 16, 33, 64, 96})
    check(testing::gaussian_head(210, 210, 64, 1, false, 2), width);
  for (const int64_t d : {1, 15, 16, 17, 40, 128}) check(testing::gaussian_head(70, 70, d, 1, true, 3), 9);
  for (const auto& [queries, keys] : {std::pair(33, 270), {270, 33}, {1, 300}, {300, 1}}) {
    for (const bool causal : {false, true}) {
      CAPTURE(queries, keys, causal);
      check(testing::gaussian_head(queries, keys, 24, 1, causal, 4), 6);
    }
  }
}

TEST_CASE("products with P and its transpose take biases by distance, by every instruction set") {
  on_every_target([] {
    for (const auto& [queries, keys] : {std::pair(1, 1), {47, 47}, {193, 193}, {33, 270}, {270, 33}}) {
      for (const bool causal : {false, true}) {
        CAPTURE(queries, keys, causal);
        check(testing::biased(testing::gaussian_head(queries, keys, 24, 1, causal, 4)), 6);
      }
    }
  });
}

TEST_CASE("products with P agree where attention is nearly one-hot, and where scores are large") {
  check(testing::gaussian_head(200, 200, 32, 30, false, 5), 8, 1e-4);  // scores of 100 in f32
  check(testing::local_head(200, 8, 20, 0, 6), 8, 1e-4);
}

TEST_CASE("both products see the same P, to the bit, by every instruction set") {
  on_every_target([] {
    for (const bool causal : {false, true}) {
      const int64_t n = 133;
      const QueryKeyHead plain = testing::gaussian_head(n, n, 37, 3, causal, 7);
      const QueryKeyHead head = causal ? testing::biased(plain) : plain;
      MemoryAccount memory;
      Run run{.memory = memory, .threads = 2};
      AttentionOperator op(head.view(), run);
      Matrix p(n, n), transposed(n, n);
      for (int i = 0; i < 2; ++i) op.multiply(identity(n).view(), p.view());
      op.multiply_transposed(identity(n).view(), transposed.view());
      int64_t differences = 0;
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < n; ++j) differences += p.at(i, j) != transposed.at(j, i);
      }
      CAPTURE(causal);
      CHECK(differences == 0);
    }
  });
}

TEST_CASE("products do not depend on the number of threads") {
  const QueryKeyHead head = testing::gaussian_head(700, 700, 24, 2, true, 8);
  const Matrix x = testing::normal_matrix(700, 12, 1, 9);
  std::vector<Matrix> results;
  std::vector<double> norms;
  for (const int threads : {1, 2, 3}) {
    MemoryAccount memory;
    Run run{.memory = memory, .threads = threads};
    AttentionOperator op(head.view(), run);
    for (int i = 0; i < 2; ++i) results.emplace_back(700, 12, 0);
    for (int i = 0; i < 2; ++i) op.multiply(x.view(), results[results.size() - 2].view());
    op.multiply_transposed(x.view(), results.back().view());
    norms.push_back(op.moments().squared_norm);
    CHECK(memory.peak_bytes() <= AttentionOperator::buffer_bytes(700, 700, 24, 12, threads));
  }
  for (size_t i = 2; i < results.size(); ++i) {
    CHECK(std::memcmp(results[i].data.data(), results[i % 2].data.data(), 700 * 12 * sizeof(float)) == 0);
  }
  CHECK(norms[0] == norms[1]);
  CHECK(norms[0] == norms[2]);
}

TEST_CASE("the bounds of rounding and norm hold") {
  const QueryKeyHead head = testing::gaussian_head(500, 500, 16, 3, false, 10);
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  AttentionOperator op(head.view(), run);
  Matrix ones = testing::fill(500, 1, [](int64_t, int64_t) { return 1; }), sums(500, 1);
  op.multiply(ones.view(), sums.view());
  op.multiply_transposed(ones.view(), sums.view());
  double squared = 0;
  for (int64_t j = 0; j < 500; ++j) squared += std::pow(static_cast<double>(sums.at(j, 0)), 2);
  CHECK(op.norm_bound() >= std::sqrt(squared / 500));  // ‖Pᵀ1‖ / ‖1‖
  CHECK(op.norm_bound() <= std::sqrt(op.moments().squared_norm));
  CHECK(op.relative_rounding() < 1e-4);
  CHECK(op.relative_rounding() > 500 * 0x1p-24 / 128);
}

TEST_CASE("a query that is not finite is refused with its row") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    QueryKeyHead head = testing::gaussian_head(60, 60, 8, 1, false, 11);
    head.q.at(37, 2) = bad;
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 1};
    const std::optional<Error> error = error_of([&] {
      AttentionOperator op(head.view(), run);
      Matrix x(60, 1), px(60, 1);
      op.multiply(x.view(), px.view());
    });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kInput);
    CHECK(error->detail().item == "row 37");
  }
}

TEST_CASE("rows sum to 1 however large scores are, as long as f32 has digits left for them") {
  on_every_target([] {
    const Matrix ones = testing::fill(130, 1, [](int64_t, int64_t) { return 1; });
    for (const double deviation : {1.0, 30.0, 1e3, 1e5, 1e7}) {
      QueryKeyHead head = testing::gaussian_head(200, 130, 64, deviation, false, 12);
      for (int64_t c = 0; c < 64; ++c) head.q.at(7, c) = 0;  // a uniform row
      MemoryAccount memory;
      Run run{.memory = memory, .threads = 1};
      AttentionOperator op(head.view(), run);
      Matrix sums(200, 1), columns(130, 1);
      for (int i = 0; i < 2; ++i) {
        op.multiply(ones.view(), sums.view());
        for (int64_t r = 0; r < 200; ++r) {
          CAPTURE(deviation, i, r);
          CHECK(sums.at(r, 0) == Approx(1).margin(2e-6));
        }
      }
      op.multiply_transposed(sums.view(), columns.view());
      CHECK(op.moments().squared_norm <= 200 * (1 + 1e-5));
    }
  });
}

TEST_CASE("scores without digits left in f32 are refused, not summed up to something") {
  const auto refusal = [](const QueryKeyHead& head) {
    return error_of([&] {
      MemoryAccount memory;
      Run run{.memory = memory, .threads = 1};
      AttentionOperator op(head.view(), run);
      Matrix x = testing::normal_matrix(130, 1, 1, 13), px(130, 1);
      op.multiply(x.view(), px.view());
      op.multiply_transposed(px.view(), x.view());
    });
  };
  const QueryKeyHead plain = testing::gaussian_head(130, 130, 64, 1, false, 12);
  QueryKeyHead scaled = plain, far = testing::biased(plain);
  scaled.scale *= 1e12f;
  for (float& bias : far.bias) bias *= 1e9f;
  CHECK_FALSE(refusal(plain));
  for (const QueryKeyHead& head : {scaled, far}) {
    const std::optional<Error> error = refusal(head);
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kInput);
    CHECK(contains(error->detail().remedy, "--scale"));
  }
}

}  // namespace linformer
