// SPDX-License-Identifier: MIT
#include "base/random_fill.h"

#include <vector>

#include "catch.h"

namespace linformer {

TEST_CASE("A filled range is the same with any number of threads, and pieces are streams of their own") {
  constexpr size_t kPiece = 1 << 16;
  std::vector<float> one(2 * kPiece + 5), three(one.size());
  fill_normal(one, 2, {.seed = 3, .purpose = 1, .index = 10}, 1);
  fill_normal(three, 2, {.seed = 3, .purpose = 1, .index = 10}, 3);
  CHECK(one == three);
  Random second({.seed = 3, .purpose = 1, .index = 11});
  CHECK(one[kPiece] == 2 * second.normal());
  fill_normal({}, 2, {}, 2);
}

}  // namespace linformer
