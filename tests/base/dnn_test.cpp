// SPDX-License-Identifier: MIT
#include "base/dnn.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <regex>
#include <vector>

#include "base/random.h"
#include "base/threads.h"
#include "catch.h"

namespace linformer {
namespace {

using Floats = std::vector<float>;

constexpr float kUntouched = 12345;  // in what must not be written

Floats gaussian(int64_t count, uint64_t index) {
  Random random({.seed = 1, .purpose = 99, .index = index});
  Floats values(static_cast<size_t>(count));
  std::generate(values.begin(), values.end(), [&] { return random.normal(); });
  return values;
}

double at(const Floats& values, int64_t i) { return static_cast<double>(values[static_cast<size_t>(i)]); }

// Largest difference of C from A B in units of 2^-24 Σ |a b|, and whether anything beside C was written.
struct ProductError {
  double units = 0;
  bool outside = false;
};

ProductError product_error(const Product::Sizes& s) {
  const Floats a = gaussian(s.m * s.a_stride, 1), b = gaussian((s.b_transposed ? s.n : s.k) * s.b_stride, 2);
  Floats c(static_cast<size_t>(s.m * s.c_stride), kUntouched);
  Product product(s);
  MemoryAccount account;
  const RawBuffer scratch(account, product.scratch_bytes(), "scratch");
  product.run(a.data(), b.data(), c.data(), scratch.data());
  ProductError error;
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.c_stride; ++j) {
      const double ours = at(c, i * s.c_stride + j);
      if (j >= s.n) {
        error.outside |= ours != static_cast<double>(kUntouched);
        continue;
      }
      double sum = 0, magnitude = 0;
      for (int64_t l = 0; l < s.k; ++l) {
        const double term =
            at(a, i * s.a_stride + l) * at(b, s.b_transposed ? j * s.b_stride + l : l * s.b_stride + j);
        sum += term, magnitude += std::abs(term);
      }
      error.units = std::max(error.units, std::abs(ours - sum) / (magnitude * 0x1p-24));
    }
  }
  return error;
}

double activated(double x, Activation activation) {
  if (activation == Activation::kGelu) return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
  if (activation == Activation::kGeluTanh) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  }
  return x;
}

struct DenseCase {
  int64_t in, out;
  bool bias;
  Dense::Options options;
};

// Largest absolute error of one call with this many rows.
double dense_error(Dense& dense, const DenseCase& c, int64_t rows, const Floats& weight, const Floats& bias,
                   void* scratch) {
  const Floats x = gaussian(rows * c.in, 5), before = gaussian(rows * c.out, 6);
  Floats y = before;
  dense.run(rows, x.data(), y.data(), scratch);
  double worst = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < c.out; ++j) {
      double sum = c.bias ? at(bias, j) : 0;
      for (int64_t l = 0; l < c.in; ++l) sum += at(x, i * c.in + l) * at(weight, j * c.in + l);
      const double truth =
          activated(sum, c.options.activation) + (c.options.accumulate ? at(before, i * c.out + j) : 0);
      worst = std::max(worst, std::abs(at(y, i * c.out + j) - truth));
    }
  }
  return worst;
}

void check_dense(const DenseCase& c) {
  CAPTURE(c.in, c.out, c.bias, c.options.accumulate, static_cast<int>(c.options.activation));
  Floats weight = gaussian(c.in * c.out, 3);
  for (float& w : weight) w /= std::sqrt(static_cast<float>(c.in));
  const Floats bias = gaussian(c.out, 4);
  MemoryAccount account;
  Dense dense({weight.data(), c.out, c.in, c.in}, c.bias ? bias.data() : nullptr, c.options);
  const std::vector<int64_t> row_counts = {5, 1, 33, 128};
  dense.prepare(row_counts.front());
  dense.pack(account);
  const int64_t packed = account.current_bytes();
  CHECK(packed >= c.in * c.out * 4);
  for (const int64_t rows : row_counts) dense.prepare(rows);
  CHECK(account.current_bytes() == packed);  // packed once
  const RawBuffer scratch(account, dense.scratch_bytes(), "scratch");
  for (const int64_t rows : row_counts) {
    CAPTURE(rows);
    CHECK(dense_error(dense, c, rows, weight, bias, scratch.data()) < 4e-6);
  }
}

// Largest absolute error of normalising these rows in place or into another buffer.
double layer_norm_error(int64_t rows, int64_t width, const Floats& x, float epsilon, bool in_place) {
  const Floats weight = gaussian(width, 7), bias = gaussian(width, 8);
  LayerNorm norm(width, weight.data(), bias.data(), epsilon);
  norm.prepare(rows);
  MemoryAccount account;
  const RawBuffer scratch(account, norm.scratch_bytes(), "scratch");
  Floats input = x, output(x.size(), kUntouched);
  float* const y = in_place ? input.data() : output.data();
  norm.run(rows, input.data(), y, scratch.data());
  double worst = 0;
  for (int64_t i = 0; i < rows; ++i) {
    double mean = 0, variance = 0;
    for (int64_t j = 0; j < width; ++j) mean += at(x, i * width + j) / static_cast<double>(width);
    for (int64_t j = 0; j < width; ++j) {
      variance += std::pow(at(x, i * width + j) - mean, 2) / static_cast<double>(width);
    }
    for (int64_t j = 0; j < width; ++j) {
      const double normal =
          (at(x, i * width + j) - mean) / std::sqrt(variance + static_cast<double>(epsilon));
      worst = std::max(
          worst, std::abs(static_cast<double>(y[i * width + j]) - (normal * at(weight, j) + at(bias, j))));
    }
  }
  return worst;
}

TEST_CASE("products with B and with its transpose agree with f64 loops for any strides") {
  for (const bool transposed : {false, true}) {
    for (const auto& [m, n, k] : std::vector<std::array<int64_t, 3>>{{1, 1, 1},
                                                                     {1, 7, 1},
                                                                     {7, 1, 1},
                                                                     {1, 1, 7},
                                                                     {7, 1, 5},
                                                                     {1, 17, 33},
                                                                     {3, 5, 7},
                                                                     {16, 16, 16},
                                                                     {17, 31, 63},
                                                                     {65, 129, 33},
                                                                     {64, 128, 64}}) {
      for (const int64_t gap : {0, 1, 13}) {
        const Product::Sizes sizes{.m = m,
                                   .n = n,
                                   .k = k,
                                   .a_stride = k + gap,
                                   .b_stride = (transposed ? k : n) + 2 * gap,
                                   .c_stride = n + 3 * gap,
                                   .b_transposed = transposed};
        CAPTURE(transposed, m, n, k, gap);
        const ProductError error = product_error(sizes);
        CHECK(error.units < 16);
        CHECK_FALSE(error.outside);
      }
    }
  }
}

TEST_CASE("a product can be run again on other data") {
  Product product(
      {.m = 1, .n = 1, .k = 2, .a_stride = 2, .b_stride = 1, .c_stride = 1, .b_transposed = false});
  MemoryAccount account;
  const RawBuffer scratch(account, product.scratch_bytes(), "scratch");
  const float a[] = {1, 2, 3, 4}, b[] = {10, 100};
  float c[2] = {7, 7};
  product.run(a, b, c, scratch.data());
  Product moved = std::move(product);
  moved.run(a + 2, b, c + 1, scratch.data());
  CHECK(c[0] == 210);
  CHECK(c[1] == 430);
}

TEST_CASE("a product's scratch is known from its sizes, whatever its strides and rows, and may be lent") {
  for (const bool transposed : {false, true}) {
    for (const int64_t n : {1, 2, 12, 64, 100}) {
      for (const int64_t k : {2, 5, 32, 64, 300}) {
        Product::Sizes sizes{.m = 16,
                             .n = n,
                             .k = k,
                             .a_stride = k,
                             .b_stride = transposed ? k : n,
                             .c_stride = n,
                             .b_transposed = transposed};
        const int64_t announced = Product::scratch_bytes(sizes);
        CAPTURE(transposed, n, k);
        CHECK(announced % 64 == 0);
        for (const int64_t m : {1, 16, 100}) {
          for (const int64_t gap : {0, 3, 16}) {
            Product::Sizes other = sizes;
            other.m = m, other.a_stride += gap, other.b_stride += gap, other.c_stride += gap;
            CHECK(Product(other).scratch_bytes() <= announced);
          }
        }
      }
    }
  }
}

TEST_CASE("products that are kept take scratch of their own only where what is lent does not suffice") {
  const Product::Sizes sizes{
      .m = 3, .n = 5, .k = 7, .a_stride = 7, .b_stride = 7, .c_stride = 5, .b_transposed = true};
  const std::vector<float> a(21, 1.0f), b(35, 2.0f);
  std::vector<float> c(15);
  MemoryAccount lender, account;
  const RawBuffer lent(lender, Product::scratch_bytes(sizes), "scratch");
  ProductCache cache;
  cache.run(sizes, a.data(), b.data(), c.data(), lent.span(), account);
  CHECK(c == std::vector<float>(15, 14.0f));
  CHECK(account.peak_bytes() == 0);
  cache.run(sizes, a.data(), b.data(), c.data(), {}, account);
  CHECK(c == std::vector<float>(15, 14.0f));
  CHECK(account.peak_bytes() == Product(sizes).scratch_bytes());
}

TEST_CASE("dense layers with every option agree with f64 loops for several row counts on one packing") {
  using Options = Dense::Options;
  for (const auto& [in, out] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {1, 5}, {5, 1}, {7, 13}, {48, 144}, {65, 33}, {128, 64}}) {
    for (const bool bias : {false, true}) {
      check_dense({in, out, bias, {}});
      check_dense({in, out, bias, Options{.accumulate = true}});
      check_dense({in, out, bias, Options{.activation = Activation::kGelu}});
      check_dense({in, out, bias, Options{.activation = Activation::kGeluTanh}});
    }
  }
}

// y = activation(x) for x as it is: weight 1.
Floats activate(const Floats& x, Activation activation) {
  const float one = 1;
  MemoryAccount account;
  Dense dense({&one, 1, 1, 1}, nullptr, {.activation = activation});
  const auto rows = static_cast<int64_t>(x.size());
  dense.prepare(rows);
  dense.pack(account);
  const RawBuffer scratch(account, dense.scratch_bytes(), "scratch");
  Floats y(x.size());
  dense.run(rows, x.data(), y.data(), scratch.data());
  return y;
}

// Without AVX-512 rows are divided among threads, 128 each.
TEST_CASE("a dense layer gives the same bits on any number of threads, prepared for more or fewer of them") {
  constexpr int64_t kIn = 40, kOut = 24;
  const Floats weight = gaussian(kIn * kOut, 3), bias = gaussian(kOut, 4), x = gaussian(600 * kIn, 5);
  std::vector<Floats> results;
  for (const int before : {1, 3, 64}) {
    Dense dense({weight.data(), kOut, kIn, kIn}, bias.data(), {});
    MemoryAccount account;
    const auto prepare = [&](int threads, int64_t rows) {
      const ThreadCount count(threads);
      dense.prepare(rows);
    };
    prepare(before, 600);
    dense.pack(account);
    for (const int64_t rows : {1, 129, 300}) prepare(2, rows);
    const RawBuffer scratch(account, dense.scratch_bytes(), "scratch");
    CHECK(dense.scratch_bytes() < 64 << 20);
    for (const int threads : {1, 2, 5}) {
      const ThreadCount count(threads);
      Floats all;
      for (const int64_t rows : {1, 129, 300, 600}) {
        Floats y(static_cast<size_t>(rows * kOut), kUntouched);
        dense.run(rows, x.data(), y.data(), scratch.data());
        all.insert(all.end(), y.begin(), y.end());
      }
      dense.run(0, nullptr, nullptr, scratch.data());
      results.push_back(all);
    }
  }
  for (const Floats& result : results) CHECK(result == results.front());
}

TEST_CASE("gelu is right over its whole range, and the two forms differ as they should") {
  Floats x;
  for (int i = -1200; i <= 1200; ++i) x.push_back(static_cast<float>(i) / 100);
  const Floats erf = activate(x, Activation::kGelu), tanh = activate(x, Activation::kGeluTanh);
  double erf_error = 0, tanh_error = 0, difference = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto v = static_cast<double>(x[i]), e = static_cast<double>(erf[i]),
               t = static_cast<double>(tanh[i]);
    const double scale = std::max(1.0, std::abs(v));
    erf_error = std::max(erf_error, std::abs(e - activated(v, Activation::kGelu)) / scale);
    tanh_error = std::max(tanh_error, std::abs(t - activated(v, Activation::kGeluTanh)) / scale);
    difference = std::max(difference, std::abs(e - t));
  }
  CHECK(erf_error < 1e-6);
  CHECK(tanh_error < 1e-6);
  CHECK(difference == Approx(4.7e-4).epsilon(0.1));
}

TEST_CASE("dense layers read weights whose rows are apart") {
  const Floats stored = {1, 2, -99, 3, 4, -99, 5, 6, -99};
  MemoryAccount account;
  Dense dense({stored.data(), 3, 2, 3}, nullptr, {});
  dense.prepare(1);
  dense.pack(account);
  const RawBuffer scratch(account, dense.scratch_bytes(), "scratch");
  const float x[] = {1, 10};
  float y[3] = {};
  dense.run(1, x, y, scratch.data());
  CHECK(y[0] == 21);
  CHECK(y[1] == 43);
  CHECK(y[2] == 65);
}

TEST_CASE("layer normalisation agrees with f64 loops, in place and not") {
  for (const int64_t rows : {1, 3, 33}) {
    for (const int64_t width : {1, 5, 48, 65, 384}) {
      for (const bool in_place : {false, true}) {
        CAPTURE(rows, width, in_place);
        CHECK(layer_norm_error(rows, width, gaussian(rows * width, 9), 1e-5f, in_place) < 4e-6);
      }
    }
  }
}

TEST_CASE("layer normalisation of a constant row gives the bias, and of a shifted one loses little") {
  CHECK(layer_norm_error(2, 48, Floats(96, 3.0f), 1e-12f, true) < 1e-5);
  Floats shifted = gaussian(96, 10);
  for (float& x : shifted) x += 100;
  CHECK(layer_norm_error(2, 48, shifted, 1e-12f, true) < 1e-4);
}

TEST_CASE("the epsilon of layer normalisation counts") {
  Floats small = gaussian(48, 11);
  for (float& x : small) x *= 1e-3f;
  CHECK(layer_norm_error(1, 48, small, 1e-5f, true) < 4e-6);
}

TEST_CASE("the library names its version and instruction set") {
  CHECK(std::regex_match(dnn_version(), std::regex(R"(\d+\.\d+\.\d+)")));
  CHECK_FALSE(dnn_isa().empty());
}

TEST_CASE("the instruction set cannot be limited once it is in use") {
  const Product product(
      {.m = 2, .n = 2, .k = 2, .a_stride = 2, .b_stride = 2, .c_stride = 2, .b_transposed = false});
  const std::string before = dnn_isa();
  CHECK_FALSE(limit_dnn_isa("baseline"));
  CHECK(dnn_isa() == before);
}

}  // namespace
}  // namespace linformer
