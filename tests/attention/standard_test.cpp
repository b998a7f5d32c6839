// SPDX-License-Identifier: MIT
#include "attention/standard.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "attention/naive_attention.h"
#include "catch.h"

namespace linformer {
namespace {

TEST_CASE("standard attention, its logits and P agree with f64 loops at many lengths") {
  for (const int64_t n : {1, 2, 16, 17, 100}) check("standard", {.shape = shape_of(n)});
}

TEST_CASE("standard attention agrees where P is peaked") {
  check("standard", {.shape = shape_of(65), .deviation = 8});
  check("standard", {.shape = shape_of(65, true), .deviation = 8});
}

TEST_CASE("causal standard attention sees no later key") {
  for (const int64_t n : {1, 2, 17, 100}) check("standard", {.shape = shape_of(n, true)});
}

TEST_CASE("standard attention agrees over several blocks of rows") {
  AttentionShape shape = shape_of(600);
  shape.batch = 1, shape.heads = 2;
  check("standard", {.shape = shape});
  shape.causal = true;
  check("standard", {.shape = shape, .deviation = 8});
}

TEST_CASE("standard attention takes other numbers of keys than of queries") {
  AttentionShape shape = shape_of(33);
  shape.keys = 70;
  check("standard", {.shape = shape});
  shape.keys = 5;
  check("standard", {.shape = shape});
  shape.queries = 1;
  check("standard", {.shape = shape});
  shape.causal = true;
  check("standard", {.shape = shape});
  shape.queries = 9;
  check("standard", {.shape = shape});
}

TEST_CASE("heads that share keys and values read those of their group") {
  AttentionShape shape = shape_of(19);
  shape.heads = 6;
  for (const int64_t kv_heads : {1, 2, 3}) check("standard", {.shape = shape, .kv_heads = kv_heads});
}

TEST_CASE("values may be narrower or wider than keys") {
  for (const int64_t value_size : {1, 7, 40}) {
    AttentionShape shape = shape_of(21);
    shape.value_size = value_size;
    check("standard", {.shape = shape});
  }
  AttentionShape shape = shape_of(21);
  shape.head_size = 1;
  check("standard", {.shape = shape});
}

TEST_CASE("without V only P and the logits are computed") {
  AttentionShape s = shape_of(40);
  s.value_size = 0;
  s.scale = 0.25f;
  const Heads q(s.batch, s.heads, 40, 16), k(s.batch, s.heads, 40, 16), logits(s.batch, s.heads, 40, 40),
      p(s.batch, s.heads, 40, 40);
  q.fill(1, 1), k.fill(1, 2);
  const AttentionInput in{.q = q.view, .k = k.view, .v = {}};
  const AttentionTaps taps{logits.view, p.view};
  run_mechanism("standard", s, in, {}, taps, 2);
  const Errors e = compare(s, in, {}, taps);
  CHECK(e.probabilities <= 2e-6);
  CHECK(e.logits <= 2e-6);
  // P alone is the same.
  const Heads alone(s.batch, s.heads, 40, 40);
  run_mechanism("standard", s, in, {}, {.logits = {}, .probabilities = alone.view}, 2);
  CHECK(alone.storage == p.storage);
}

// Part 0, 1, 2 of rows [b, n, 3 · h · d].
HeadsView<float> part(const Heads& all, const AttentionShape& s, int64_t index) {
  const int64_t row = 3 * s.heads * s.head_size;
  return {all.view.data + index * s.heads * s.head_size,
          s.batch,
          s.heads,
          s.queries,
          s.head_size,
          s.queries * row,
          s.head_size,
          row};
}

TEST_CASE("queries, keys and values may lie interleaved, and O as [b, n, h d]") {
  for (const int64_t n : {1, 29, 300}) {
    AttentionShape s = shape_of(n);
    s.scale = 0.25f;
    const int64_t width = s.heads * s.head_size;
    const Heads qkv(s.batch, 1, n, 3 * width), out(s.batch, 1, n, width + 5);
    qkv.fill(1, 4);
    const AttentionInput in{part(qkv, s, 0), part(qkv, s, 1), part(qkv, s, 2)};
    const HeadsView<float> o{out.view.data, s.batch,         s.heads,     n,
                             s.head_size,   n * (width + 5), s.head_size, width + 5};
    run_mechanism("standard", s, in, o, {}, 2);
    CAPTURE(n);
    CHECK(compare(s, in, o, {}).output <= 2e-6);
    int64_t written_beside = 0;
    for (int64_t i = 0; i < s.batch * n; ++i) {
      const float* const beside = out.view.data + i * (width + 5) + width;
      written_beside += 5 - std::count(beside, beside + 5, kUntouched);
    }
    CHECK(written_beside == 0);
  }
}

TEST_CASE("large logits do not overflow") {
  AttentionShape s = shape_of(24);
  s.scale = 1;
  const Heads q(2, 3, 24, 16), k(2, 3, 24, 16), v(2, 3, 24, 16), out(2, 3, 24, 16);
  q.fill(1000, 1), k.fill(1000, 2), v.fill(1, 3);
  run_mechanism("standard", s, {q.view, k.view, v.view}, out.view, {}, 1);
  CHECK(std::all_of(out.storage.begin(), out.storage.end(), [](float x) { return std::abs(x) < 10; }));
}

TEST_CASE("results do not depend on the number of threads, to the bit") {
  AttentionShape s = shape_of(300, true);
  s.scale = 0.25f;
  const Heads q(2, 3, 300, 16), k(2, 3, 300, 16), v(2, 3, 300, 16), one(2, 3, 300, 16), two(2, 3, 300, 16),
      five(2, 3, 300, 16), p_one(2, 3, 300, 300), p_two(2, 3, 300, 300);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  const AttentionInput in{q.view, k.view, v.view};
  run_mechanism("standard", s, in, one.view, {.logits = {}, .probabilities = p_one.view}, 1);
  run_mechanism("standard", s, in, two.view, {.logits = {}, .probabilities = p_two.view}, 2);
  run_mechanism("standard", s, in, five.view, {}, 5);
  CHECK(one.storage == two.storage);
  CHECK(p_one.storage == p_two.storage);
  CHECK(compare(s, in, five.view, {}).output <= 2e-6);
}

TEST_CASE("a mechanism can be run again on other sizes, in the workspace of the largest") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const auto mechanism = make_standard();
  const RawBuffer workspace(memory, mechanism->workspace_bytes(shape_of(600), 2, false), "workspace");
  for (const int64_t n : {40, 600, 17, 256, 40}) {
    AttentionShape s = shape_of(n);
    s.batch = 1, s.scale = 0.25f;
    const Heads q(1, 3, n, 16), k(1, 3, n, 16), v(1, 3, n, 16), out(1, 3, n, 16);
    q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
    const AttentionInput in{q.view, k.view, v.view};
    mechanism->prepare(s, {});
    mechanism->run(s, in, out.view, {}, workspace.span(), run);
    CAPTURE(n);
    CHECK(compare(s, in, out.view, {}).output <= 2e-6);
  }
}

TEST_CASE("the workspace beside a tap grows with keys and threads, and holds at least a row of P each") {
  const auto mechanism = make_standard();
  for (const int threads : {1, 3}) {
    int64_t before = 0;
    for (int64_t n = 1; n < 20000; n += 1 + n / 7) {
      const int64_t bytes = mechanism->workspace_bytes(shape_of(n), threads, true);
      CAPTURE(threads, n);
      CHECK(bytes >= before);
      CHECK(bytes >= threads * n * 4);
      CHECK(bytes == threads * mechanism->workspace_bytes(shape_of(n), 1, true));
      before = bytes;
    }
  }
}

TEST_CASE("P of all heads is in the workspace unless it is handed out, and O is the same bits") {
  AttentionShape s = shape_of(300);
  s.batch = 2, s.heads = 3, s.scale = 0.25f;
  const auto mechanism = make_standard();
  CHECK(mechanism->workspace_bytes(s, 2, false) >= 2 * 3 * 300 * 300 * 4);
  CHECK(mechanism->workspace_bytes(s, 2, true) < 2 * 3 * 300 * 300 * 4);
  const Heads q(2, 3, 300, 16), k(2, 3, 300, 16), v(2, 3, 300, 16), tapped(2, 3, 300, 16),
      untapped(2, 3, 300, 16), of_logits(2, 3, 300, 16), p(2, 3, 300, 300);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  const AttentionInput in{q.view, k.view, v.view};
  run_mechanism("standard", s, in, tapped.view, {.probabilities = p.view}, 2);
  run_mechanism("standard", s, in, untapped.view, {}, 2);
  run_mechanism("standard", s, in, of_logits.view, {.logits = p.view}, 2);
  CHECK(untapped.storage == tapped.storage);
  CHECK(of_logits.storage == tapped.storage);
}

TEST_CASE("a workspace of just the bytes announced is written to its end and not beyond") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  for (const int64_t n : {1, 17, 255, 256, 600, 9000}) {
    AttentionShape s = shape_of(n);
    s.batch = 1, s.heads = 2, s.queries = std::min<int64_t>(n, 40), s.scale = 0.25f;
    const Heads q(1, 2, s.queries, 16), k(1, 2, n, 16), v(1, 2, n, 16), out(1, 2, s.queries, 16);
    q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
    const auto mechanism = make_standard();
    const int64_t bytes = mechanism->workspace_bytes(s, 2, false);
    const RawBuffer workspace(memory, bytes + 64, "workspace");
    std::fill(workspace.span().begin(), workspace.span().end(), std::byte{0x5A});
    mechanism->run(s, {q.view, k.view, v.view}, out.view, {},
                   workspace.span().first(static_cast<size_t>(bytes)), run);
    CAPTURE(n);
    const auto beyond = workspace.span().subspan(static_cast<size_t>(bytes));
    CHECK(std::all_of(beyond.begin(), beyond.end(), [](std::byte x) { return x == std::byte{0x5A}; }));
  }
}

TEST_CASE("a bias by distance is added to the scaled scores, and is part of the logits") {
  for (const bool causal : {false, true}) check("standard", {.shape = shape_of(37, causal), .biased = true});
  AttentionShape wide = shape_of(20);
  wide.keys = 33;
  check("standard", {.shape = wide, .biased = true});
  check("standard", {.shape = shape_of(600), .biased = true});  // several blocks
}

TEST_CASE("masked keys get no weight, are no part of the logits, and leave the others' softmax") {
  for (const bool causal : {false, true}) check("standard", {.shape = shape_of(37, causal), .masked = true});
  check("standard", {.shape = shape_of(300), .biased = true, .masked = true});
}

TEST_CASE("a query whose keys are all masked gives zeros") {
  AttentionShape s = shape_of(9);
  s.batch = 1;
  const Heads q(1, 3, 9, 16), k(1, 3, 9, 16), v(1, 3, 9, 16), out(1, 3, 9, 16), p(1, 3, 9, 9);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  const std::vector<float> mask(9, -std::numeric_limits<float>::infinity());
  run_mechanism("standard", s, {.q = q.view, .k = k.view, .v = v.view, .key_mask = {mask.data(), 1, 9, 9}},
                out.view, {.probabilities = p.view}, 2);
  CHECK(std::all_of(out.storage.begin(), out.storage.end(), [](float x) { return x == 0; }));
  CHECK(std::all_of(p.storage.begin(), p.storage.end(), [](float x) { return x == 0; }));
}

}  // namespace
}  // namespace linformer
