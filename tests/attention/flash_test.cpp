// SPDX-License-Identifier: MIT
#include "attention/flash.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "attention/naive_attention.h"
#include "catch.h"
#include "io/error_of.h"
#include "kernels/every_target.h"

namespace linformer {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST_CASE(
    "flash attention agrees with f64 loops at every length around its blocks, by every instruction set") {
  on_every_target([] {
    for (const int64_t n : {1, 2, 3, 4, 5, 17, 47, 48, 49, 64, 65, 130}) {
      check("flash", {.shape = shape_of(n)});
      check("flash", {.shape = shape_of(n, true)});
    }
  });
}

TEST_CASE("flash attention agrees over many blocks of keys and pieces of queries") {
  AttentionShape shape = shape_of(700);
  shape.batch = 1, shape.heads = 2;
  check("flash", {.shape = shape});
  check("flash", {.shape = shape, .deviation = 8});
  shape.causal = true;
  check("flash", {.shape = shape, .deviation = 8});
}

TEST_CASE(
    "flash attention agrees at lengths around its blocks of keys and groups of queries, by every instruction "
    "set") {
  on_every_target([] {
    for (const int64_t n : {63, 64, 66, 127, 129, 191, 193, 215, 385}) {
      for (const bool causal : {false, true}) {
        AttentionShape shape = shape_of(n, causal);
        shape.batch = 1, shape.heads = 1;
        CAPTURE(n, causal);
        check("flash", {.shape = shape, .deviation = 8});
        check("flash", {.shape = shape, .biased = true, .masked = true});
      }
    }
  });
}

TEST_CASE("a causal query of flash attention takes nothing from the keys after it, whatever they are") {
  const int64_t n = 210;
  for (const int64_t at : {1, 7, 8, 23, 24, 63, 64, 191, 192}) {
    AttentionShape s = shape_of(n, true);
    s.batch = 1, s.heads = 1;
    const Heads q(1, 1, n, 16), k(1, 1, n, 16), v(1, 1, n, 16), before(1, 1, n, 16), after(1, 1, n, 16);
    q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
    run_mechanism("flash", s, {q.view, k.view, v.view}, before.view, {}, 1);
    for (int64_t i = at * 16; i < n * 16; ++i) k.view.data[i] = -7, v.view.data[i] = 1e6f;
    run_mechanism("flash", s, {q.view, k.view, v.view}, after.view, {}, 1);
    CAPTURE(at);
    // The reference of a block moves with any of its lanes, which may change the last bit of the others.
    float most = 0;
    for (int64_t i = 0; i < at * 16; ++i) {
      most = std::max(most, std::abs(before.view.data[i] - after.view.data[i]));
    }
    CHECK(most <= 2e-6f);
    CHECK(after.view.data[at * 16] != before.view.data[at * 16]);
  }
}

TEST_CASE("flash attention takes other numbers of keys than of queries, also where causal") {
  for (const auto& [queries, keys] : {std::pair(33, 70), {33, 5}, {1, 300}, {9, 5}, {150, 130}, {130, 150}}) {
    for (const bool causal : {false, true}) {
      AttentionShape shape = shape_of(queries, causal);
      shape.keys = keys;
      check("flash", {.shape = shape});
      check("flash", {.shape = shape, .biased = true, .masked = keys > 5});
    }
  }
}

TEST_CASE("head sizes and value sizes of flash attention may be any") {
  for (const auto& [head, value] :
       {std::pair(1, 1), {3, 7}, {15, 16}, {17, 40}, {64, 64}, {40, 20}, {80, 12}, {256, 9}}) {
    AttentionShape shape = shape_of(53);
    shape.head_size = head, shape.value_size = value;
    CAPTURE(head, value);
    CHECK(errors_of("flash", {.shape = shape}).output <= (head < 8 ? 4e-6 : 2e-6));
  }
}

TEST_CASE("heads that share keys and values read those of their group in flash attention") {
  AttentionShape shape = shape_of(19);
  shape.heads = 6;
  for (const int64_t kv_heads : {1, 2, 3}) check("flash", {.shape = shape, .kv_heads = kv_heads});
}

TEST_CASE("flash attention adds biases by distance and leaves out masked keys, by every instruction set") {
  on_every_target([] {
    for (const bool causal : {false, true}) {
      check("flash", {.shape = shape_of(101, causal), .biased = true});
      check("flash", {.shape = shape_of(101, causal), .masked = true});
      check("flash", {.shape = shape_of(101, causal), .biased = true, .masked = true});
    }
  });
}

// One head of n queries and keys whose scores are `scores(j)` for every query; V is the number of the key.
template <class F>
std::vector<float> output_of(int64_t n, F scores, const std::vector<float>& mask = {}) {
  const AttentionShape s{.batch = 1, .heads = 1, .queries = n, .keys = n, .head_size = 1, .value_size = 1};
  const Heads q(1, 1, n, 1), k(1, 1, n, 1), v(1, 1, n, 1), out(1, 1, n, 1);
  for (int64_t j = 0; j < n; ++j) {
    q.view.data[j] = 1, k.view.data[j] = scores(j), v.view.data[j] = static_cast<float>(j);
  }
  AttentionInput in{.q = q.view, .k = k.view, .v = v.view};
  if (!mask.empty()) in.key_mask = {mask.data(), 1, n, n};
  run_mechanism("flash", s, in, out.view, {}, 2);
  return out.storage;
}

TEST_CASE("scores that keep rising move the reference of flash attention again and again") {
  on_every_target([] {
    // Each key outweighs all before it by e^20; the last one has all the weight.
    for (const float x : output_of(300, [](int64_t j) { return 20.0f * static_cast<float>(j); }))
      CHECK(x == 299);
    for (const float x : output_of(300, [](int64_t j) { return -20.0f * static_cast<float>(j); }))
      CHECK(x < 1e-6f);
    // Within the limit of the reference: weights 1, e, e², ... of which the last three are 1 − e^-3.
    const float mean = output_of(300, [](int64_t j) { return static_cast<float>(j); }).front();
    CHECK(std::abs(static_cast<double>(mean) - (299 - 1 / (std::exp(1.0) - 1))) < 1e-4);
  });
}

// A reference set by them would leave the others' scores the rounding of what they are above it.
TEST_CASE("first keys far below the others, or masked, cost flash attention no accuracy") {
  on_every_target([] {
    AttentionShape s = shape_of(200);
    s.batch = 1, s.heads = 1, s.head_size = 64, s.value_size = 64;
    const Heads q(1, 1, 200, 64), k(1, 1, 200, 64), v(1, 1, 200, 64), out(1, 1, 200, 64);
    for (const float lower : {30.0f, 700.0f, 1e4f}) {
      for (const int64_t first : {4, 130}) {
        q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
        for (int64_t i = 0; i < 200; ++i) q.view.data[i * 64] = 1;
        for (int64_t j = 0; j < 200; ++j) k.view.data[j * 64] = j < first ? -lower / s.scale : 0;
        const AttentionInput in{.q = q.view, .k = k.view, .v = v.view};
        run_mechanism("flash", s, in, out.view, {}, 1);
        CAPTURE(lower, first);
        CHECK(compare(s, in, out.view, {}).output <= 2e-6);
      }
    }
    std::vector<float> mask(200, 0);
    std::fill_n(mask.begin(), 6, -kInfinity);
    for (int64_t j = 6; j < 200; ++j) k.view.data[j * 64] = 500 / s.scale;
    const AttentionInput in{.q = q.view, .k = k.view, .v = v.view, .key_mask = {mask.data(), 1, 200, 200}};
    run_mechanism("flash", s, in, out.view, {}, 1);
    CHECK(compare(s, in, out.view, {}).output <= 5e-5);  // products of 4000 round by 2e-4, in f64's place too
  });
}

TEST_CASE("scores far apart, huge or of equal size do no harm to flash attention") {
  for (const float x : output_of(70, [](int64_t j) { return j == 50 ? 1e30f : -1e30f; })) CHECK(x == 50);
  for (const float x : output_of(70, [](int64_t) { return -1e30f; })) CHECK(std::abs(x - 34.5f) < 1e-5f);
  for (const float x : output_of(70, [](int64_t j) { return j < 2 ? 2e38f : 0; })) CHECK(x == 0.5f);
}

TEST_CASE("a query whose keys are all masked gives zeros in flash attention, others do not notice") {
  on_every_target([] {
    std::vector<float> mask(90, -kInfinity);
    for (const float x : output_of(
             90, [](int64_t) { return 1.0f; }, mask))
      CHECK(x == 0);
    mask[77] = 0;
    for (const float x : output_of(
             90, [](int64_t) { return 1.0f; }, mask))
      CHECK(x == 77);
  });
}

TEST_CASE("NaN and infinity in a score make the rows of flash attention NaN") {
  on_every_target([] {
    for (const float bad : {kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
      for (const int64_t at : {0, 3, 66}) {
        for (const float x : output_of(67, [&](int64_t j) { return j == at ? bad : 1.0f; })) CHECK(x != x);
      }
    }
  });
}

TEST_CASE("flash attention reads and writes heads that lie interleaved, and nothing beside them") {
  for (const int64_t n : {1, 29, 100}) {
    AttentionShape s = shape_of(n);
    s.scale = 0.25f;
    const int64_t width = s.heads * s.head_size, row = 3 * width;
    const Heads qkv(s.batch, 1, n, row), out(s.batch, 1, n, width + 5);
    qkv.fill(1, 4);
    const auto part = [&](int64_t index) {
      return HeadsView<float>{
          qkv.view.data + index * width, s.batch, s.heads, n, s.head_size, n * row, s.head_size, row};
    };
    const AttentionInput in{part(0), part(1), part(2)};
    const HeadsView<float> o{out.view.data, s.batch,         s.heads,     n,
                             s.head_size,   n * (width + 5), s.head_size, width + 5};
    run_mechanism("flash", s, in, o, {}, 2);
    CAPTURE(n);
    CHECK(compare(s, in, o, {}).output <= 2e-6);
    int64_t untouched = 0;
    for (int64_t i = 0; i < s.batch * n; ++i) {
      const float* const beside = out.view.data + i * (width + 5) + width;
      untouched += std::count(beside, beside + 5, kUntouched);
    }
    CHECK(untouched == 5 * s.batch * n);
  }
}

TEST_CASE("flash attention gives the same bits however its rows are cut into pieces for threads") {
  for (const int64_t n : {1, 16, 17, 31, 32, 48, 50, 64, 97, 112, 200, 256, 1024}) {
    AttentionShape s = shape_of(n);
    s.scale = 0.25f;
    const Heads q(2, 3, n, 16), k(2, 3, n, 16), v(2, 3, n, 16), one(2, 3, n, 16), many(2, 3, n, 16);
    q.fill(6, 1), k.fill(1, 2), v.fill(1, 3);
    run_mechanism("flash", s, {q.view, k.view, v.view}, one.view, {}, 1);
    for (const int threads : {2, 3, 8, 32}) {
      run_mechanism("flash", s, {q.view, k.view, v.view}, many.view, {}, threads);
      CAPTURE(n, threads);
      CHECK((one.storage == many.storage));
    }
  }
}

TEST_CASE("causal flash attention gives the same bits on any number of threads") {
  AttentionShape s = shape_of(400, true);
  s.scale = 0.25f;
  const Heads q(2, 3, 400, 16), k(2, 3, 400, 16), v(2, 3, 400, 16), one(2, 3, 400, 16), five(2, 3, 400, 16);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  const AttentionInput in{q.view, k.view, v.view};
  run_mechanism("flash", s, in, one.view, {}, 1);
  run_mechanism("flash", s, in, five.view, {}, 5);
  CHECK(compare(s, in, five.view, {}).output <= 2e-6);
  CHECK(one.storage == five.storage);
}

TEST_CASE("the workspace of flash attention is all it needs, and linear in queries and keys") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const auto flash = make_flash();
  for (const int64_t n : {1, 17, 255, 600}) {
    AttentionShape s = shape_of(n);
    const Heads q(2, 3, n, 16), k(2, 3, n, 16), v(2, 3, n, 16), out(2, 3, n, 16), bias(1, 1, 3, 2 * n - 1);
    q.fill(1, 1), k.fill(1, 2), v.fill(1, 3), bias.fill(1, 4);
    const int64_t bytes = flash->workspace_bytes(s, 2, false);
    const RawBuffer workspace(memory, bytes + 64, "workspace");
    std::ranges::fill(workspace.span(), std::byte{0x5A});
    flash->run(s, {.q = q.view, .k = k.view, .v = v.view, .distance_bias = bias.view.matrix(0, 0)}, out.view,
               {}, workspace.span().first(static_cast<size_t>(bytes)), run);
    CAPTURE(n);
    CHECK(std::ranges::all_of(workspace.span().subspan(static_cast<size_t>(bytes)),
                              [](std::byte x) { return x == std::byte{0x5A}; }));
  }
  CHECK(flash->workspace_bytes(shape_of(100'000), 2, false) < 4 * 1'000'000);
}

TEST_CASE("flash attention has no P to show") {
  const AttentionShape s = shape_of(4);
  const Heads q(2, 3, 4, 16), out(2, 3, 4, 16), p(2, 3, 4, 4);
  q.fill(1, 1);
  const auto error = error_of([&] {
    run_mechanism("flash", s, {q.view, q.view, q.view}, out.view, {.probabilities = p.view}, 1);
  });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInternal);
  CHECK_FALSE(make_flash()->traits().probabilities);
}

}  // namespace
}  // namespace linformer
