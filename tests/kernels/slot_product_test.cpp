// SPDX-License-Identifier: MIT
#include "kernels/slot_product.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "kernels/every_target.h"

namespace linformer {
namespace {

std::vector<float> drawn(int64_t count, uint64_t index) {
  Random random({.seed = 7, .purpose = 97, .index = index});
  std::vector<float> values(static_cast<size_t>(count));
  for (float& x : values) x = static_cast<float>(random.normal());
  return values;
}

// E, X and what was in out, with rows that end in something that must not matter or change.
struct Case {
  int64_t slots, n, cols;
  std::vector<float> e = drawn(slots * (n + 2), 1), x = drawn(n * (cols + 3), 2),
                     out = std::vector<float>(static_cast<size_t>(slots * (cols + 1)), 5);

  SlotProduct product(bool add) {
    return {.e = e.data(),
            .x = x.data(),
            .out = out.data(),
            .e_stride = n + 2,
            .x_stride = cols + 3,
            .out_stride = cols + 1,
            .slots = slots,
            .n = n,
            .cols = cols,
            .add = add};
  }
  double sum(int64_t i, int64_t c) const {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      sum += static_cast<double>(e[static_cast<size_t>(i * (n + 2) + j)]) *
             static_cast<double>(x[static_cast<size_t>(j * (cols + 3) + c)]);
    }
    return sum;
  }
};

TEST_CASE("products that make slots agree with f64 sums at every size around their tiles") {
  on_every_target([] {
    for (const int64_t slots : {1, 2, 5, 6, 7, 15}) {
      for (const int64_t cols : {1, 7, 16, 17, 32, 64, 80, 131}) {
        for (const int64_t n : {0, 1, 15, 16, 255, 256, 257, 300, 513}) {
          Case c{slots, n, cols};
          CAPTURE(slots, n, cols);
          for (const bool add : {false, true}) {
            slot_product(c.product(add));
            double worst = 0;
            for (int64_t i = 0; i < slots; ++i) {
              const float* const row = &c.out[static_cast<size_t>(i * (cols + 1))];
              for (int64_t j = 0; j < cols; ++j) {
                worst = std::max(worst, std::abs(static_cast<double>(row[j]) - (add ? 2 : 1) * c.sum(i, j)));
              }
              CHECK(row[cols] == 5);
            }
            CHECK(worst <= 1.2e-4);  // sums in f32 of at most 256 products of standard normal numbers
          }
        }
      }
    }
  });
}

TEST_CASE("slots have the same bits however they and whole blocks of positions are divided among calls") {
  on_every_target([] {
    for (const int64_t cols : {40, 64}) {
      constexpr int64_t kPositions = 600;
      Case whole{13, kPositions, cols}, parts{13, kPositions, cols};
      slot_product(whole.product(false));
      for (const auto& [first, slots] : {std::pair<int64_t, int64_t>{0, 1}, {1, 8}, {9, 4}}) {
        for (int64_t position = 0; position < kPositions; position += kSlotProductBlock) {
          SlotProduct p = parts.product(position > 0);
          p.e += first * p.e_stride + position;
          p.x += position * p.x_stride;
          p.out += first * p.out_stride;
          p.slots = slots;
          p.n = std::min(kSlotProductBlock, kPositions - position);
          slot_product(p);
        }
      }
      CHECK(parts.out == whole.out);
    }
  });
}

}  // namespace
}  // namespace linformer
