// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "catch.h"
#include "kernels/bf16_isas.h"
#include "kernels/bf16_pairs.h"
#include "kernels/bf16_peak.h"
#include "kernels/bf16_product.h"

namespace linformer {
namespace {

bool skipped() {
  if (has_bf16_products()) return false;
  WARN("skipped: this machine has no products of bf16 that pay");
  return true;
}

std::vector<uint16_t> drawn_bits(int64_t count, uint64_t index) {
  Random random({.seed = 7, .purpose = 98, .index = index});
  std::vector<uint16_t> bits(static_cast<size_t>(count));
  for (uint16_t& x : bits) x = bf16_from(static_cast<float>(random.normal())).bits;
  return bits;
}

TEST_CASE("rows are paired from the first on, with zeros for one that is missing") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  if (skipped()) return;
  const std::vector<uint16_t> rows = {1, 2, 99, 3, 4, 99, 0xffff, 6, 99};
  std::vector<uint32_t> pairs(5, 77);
  pair_rows(rows.data(), 3, 3, 2, pairs.data());
  CHECK(pairs == std::vector<uint32_t>{0x30001, 0x40002, 0xffff, 6, 77});
}

TEST_CASE("rows are rounded to bf16 as single values are, after they are multiplied") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  if (skipped()) return;
  std::vector<float> values = {0, 1, -1, 1.00390625f, 1.01171875f, 3e38f, -0.0f, 1e30f, 7, 1e-30f};
  for (const auto count : {size_t{1}, size_t{3}, size_t{10}, size_t{45}}) {
    while (values.size() < count) values.push_back(1 / static_cast<float>(values.size()));
    std::vector<uint16_t> rounded(count + 1, 77);
    round_row(values.data(), static_cast<int64_t>(count), 0.5f, rounded.data());
    for (size_t i = 0; i < count; ++i) CHECK(rounded[i] == bf16_from(0.5f * values[i]).bits);
    CHECK(rounded[count] == 77);
  }
}

TEST_CASE("a burst of products of bf16 counts as many operations as it has rounds, however it multiplies") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  if (skipped()) return;
  const double one = bf16_burst(1);
  CHECK(one >= 4 * 16 * 12);  // of as many sums as hide the latency
  CHECK(bf16_burst(1000) == 1000 * one);
  CHECK(bf16_burst(0) == 0);
}

TEST_CASE("products of bf16 pairs agree with f64 sums at every size around their tiles") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  if (skipped()) return;
  for (const int64_t rows : {1, 2, 5, 6, 7, 13, 16, 49}) {
    for (const int64_t cols : {1, 15, 16, 17, 64, 65, 100}) {
      for (const int64_t terms : {1, 2, 32, 33, 128}) {
        const std::vector<uint16_t> a = drawn_bits(rows * terms, 1), b = drawn_bits(terms * cols, 2);
        const int64_t pairs = pairs_of(terms);
        const int64_t b_stride = cols + 3;
        std::vector<uint32_t> paired(static_cast<size_t>(pairs * b_stride), 0x7fc07fc0);
        for (int64_t j = 0; j < pairs; ++j) {
          pair_rows(&b[static_cast<size_t>(2 * j * cols)], cols, std::min<int64_t>(2, terms - 2 * j), cols,
                    &paired[static_cast<size_t>(j * b_stride)]);
        }
        std::vector<uint16_t> padded(static_cast<size_t>(rows * 2 * pairs));
        for (int64_t i = 0; i < rows; ++i)
          std::copy_n(&a[static_cast<size_t>(i * terms)], terms, &padded[static_cast<size_t>(i * 2 * pairs)]);
        std::vector<float> out(static_cast<size_t>(rows * (cols + 1)), 5);
        CAPTURE(rows, cols, terms);
        for (const bool add : {false, true}) {
          bf16_product({.a = reinterpret_cast<const uint32_t*>(padded.data()),
                        .b = paired.data(),
                        .out = out.data(),
                        .a_stride = pairs,
                        .b_stride = b_stride,
                        .out_stride = cols + 1,
                        .rows = rows,
                        .pairs = pairs,
                        .cols = cols,
                        .add = add});
          double worst = 0;
          for (int64_t i = 0; i < rows; ++i) {
            for (int64_t c = 0; c < cols; ++c) {
              double sum = 0;
              for (int64_t j = 0; j < terms; ++j) {
                sum += static_cast<double>(f32_from_bf16(a[static_cast<size_t>(i * terms + j)])) *
                       static_cast<double>(f32_from_bf16(b[static_cast<size_t>(j * cols + c)]));
              }
              const double ours = static_cast<double>(out[static_cast<size_t>(i * (cols + 1) + c)]);
              worst = std::max(worst, std::abs(ours - (add ? 2 * sum : sum)));
            }
            CHECK(out[static_cast<size_t>(i * (cols + 1) + cols)] == 5);
          }
          CHECK(worst <= 2e-5);
        }
      }
    }
  }
}

}  // namespace
}  // namespace linformer
