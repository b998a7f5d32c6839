// SPDX-License-Identifier: MIT
// The slow twin that each mechanism brings along, against the tests' own.
#include <cmath>
#include <numeric>
#include <vector>

#include "naive_attention.h"

namespace linformer {
namespace {

// Of all rows by the mechanism's twin from the naive one, relative to the largest.
double largest_difference(const AttentionShape& s, const AttentionInput& in) {
  const Heads out(s.batch, s.heads, s.queries, s.value_size);
  const auto mechanism = make_mechanism("flash");
  std::vector<int64_t> rows(static_cast<size_t>(s.queries));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const std::vector<double> o = mechanism->reference(s, in, b, h, rows).o;
      for (int64_t i = 0; i < s.queries * s.value_size; ++i) {
        out.view.matrix(b, h).row(i / s.value_size)[i % s.value_size] =
            static_cast<float>(o[static_cast<size_t>(i)]);
      }
    }
  }
  return compare(s, in, out.view, {}).output;
}

}  // namespace

TEST_CASE("A mechanism's own reference is exact attention with masks, biases and shared keys") {
  for (const bool causal : {false, true}) {
    AttentionShape s{.batch = 2, .heads = 4, .queries = 9, .keys = 9, .head_size = 8, .value_size = 5};
    s.scale = 0.35f, s.causal = causal;
    const Heads q(2, 4, 9, 8), k(2, 2, 9, 8), v(2, 2, 9, 5), bias(1, 1, 4, 17), mask(1, 1, 2, 9);
    q.fill(2, 1), k.fill(1, 2), v.fill(1, 3), bias.fill(1, 4), mask.fill(0, 5);
    mask.view.matrix(0, 0).row(1)[3] = -INFINITY;
    CHECK(largest_difference(s, {q.view, k.view, v.view}) < 1e-6);
    CHECK(largest_difference(s, {.q = q.view,
                                 .k = k.view,
                                 .v = v.view,
                                 .distance_bias = bias.view.matrix(0, 0),
                                 .key_mask = mask.view.matrix(0, 0)}) < 1e-6);
  }
}

TEST_CASE("A causal reference sees the keys before its first query too") {
  AttentionShape s{.batch = 1, .heads = 2, .queries = 3, .keys = 9, .head_size = 8, .value_size = 5};
  s.causal = true;
  const Heads q(1, 2, 3, 8), k(1, 2, 9, 8), v(1, 2, 9, 5);
  q.fill(2, 1), k.fill(1, 2), v.fill(1, 3);
  for (const int64_t past : {0, 2, 6, 20}) {
    s.past = past;
    CHECK(largest_difference(s, {q.view, k.view, v.view}) < 1e-6);
  }
}

TEST_CASE("A row that sees no key has zeros for its reference") {
  AttentionShape s{.batch = 1, .heads = 1, .queries = 3, .keys = 3, .head_size = 4, .value_size = 4};
  const Heads q(1, 1, 3, 4), k(1, 1, 3, 4), v(1, 1, 3, 4);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  const std::vector<float> mask(3, -INFINITY);
  const std::vector<int64_t> rows = {0, 2};
  const AttentionInput in{.q = q.view, .k = k.view, .v = v.view, .key_mask = {mask.data(), 1, 3, 3}};
  CHECK(make_mechanism("standard")->reference(s, in, 0, 0, rows).o == std::vector<double>(8, 0.0));
}

}  // namespace linformer
