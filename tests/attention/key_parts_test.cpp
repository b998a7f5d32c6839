// SPDX-License-Identifier: MIT
// Few queries over many keys, whose keys are divided among pieces of work.
#include "attention/key_parts.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "attention/flash.h"
#include "attention/naive_attention.h"
#include "kernels/every_target.h"

namespace linformer {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

AttentionShape of(int64_t queries, int64_t keys) {
  return {.batch = 1, .heads = 1, .queries = queries, .keys = keys, .head_size = 16, .value_size = 16};
}

// The queries are the last ones.
AttentionShape causal(int64_t queries, int64_t keys) {
  AttentionShape s = of(queries, keys);
  s.causal = true, s.past = keys - queries;
  return s;
}

// O of one head, over keys that a mask hides.
std::vector<float> output_of(const AttentionShape& s, const std::vector<float>& mask = {}, int threads = 2) {
  const Heads q(1, 1, s.queries, 16), k(1, 1, s.keys, 16), v(1, 1, s.keys, 16), out(1, 1, s.queries, 16);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  AttentionInput in{.q = q.view, .k = k.view, .v = v.view};
  if (!mask.empty()) in.key_mask = {mask.data(), 1, s.keys, s.keys};
  run_mechanism("flash", s, in, out.view, {}, threads);
  CHECK(compare(s, in, out.view, {}).output <= 2e-6);
  return out.storage;
}

}  // namespace

TEST_CASE("parts of the keys follow one another, and none is empty") {
  for (const int64_t block : {12, 24, 48}) {
    for (const int64_t queries : {1, 12, 48, 49, 300, 768}) {
      for (const int64_t keys : {1, 511, 1023, 1024, 1025, 1535, 2049, 5000, 100'000}) {
        const AttentionShape s = of(queries, keys);
        const KeyParts parts(s, block);
        CAPTURE(block, queries, keys, parts.count());
        for (int64_t i = 0; i < parts.count(); ++i) {
          CHECK(parts.begin(i) == (i == 0 ? 0 : parts.end(i - 1)));
          CHECK(parts.begin(i) % 256 == 0);
          CHECK(parts.begin(i) < parts.end(i));
        }
        CHECK(parts.end(parts.count() - 1) == keys);
        CHECK(parts.divided() == (keys >= 1024 && queries <= 16 * block));
        CHECK((KeyParts::floats(s, block) > 0) == parts.divided());
        CHECK(KeyParts::floats(s, block) <= KeyParts::floats(of(queries, keys + 1), block));
      }
    }
  }
}

TEST_CASE("with as many queries as keys nothing is divided, whatever the length") {
  for (const int64_t block : {12, 24, 48})
    for (int64_t n = 1; n < 5000; ++n) CHECK(KeyParts::floats(of(n, n), block) == 0);
}

TEST_CASE("few queries over many keys agree with f64 loops, with every mask, by every instruction set") {
  on_every_target([] {
    for (const int64_t keys : {1024, 1031, 1537, 2600}) {
      for (const int64_t queries : {1, 15, 17, 49}) {
        check("flash", {.shape = of(queries, keys)});
        check("flash", {.shape = causal(queries, keys), .deviation = 8});
        check("flash", {.shape = causal(queries, keys), .biased = true, .masked = true});
      }
    }
  });
}

TEST_CASE("the first queries of many causal keys see none of the later parts") {
  for (const int64_t past : {0, 500, 1000, 1030}) {
    AttentionShape s = of(20, 2100);
    s.causal = true, s.past = past;
    check("flash", {.shape = s});
    check("standard", {.shape = s});
  }
}

TEST_CASE("heads, sequences and shared keys each have parts of their own") {
  AttentionShape s = causal(7, 1300);
  s.batch = 2, s.heads = 4, s.value_size = 9;
  for (const int64_t kv_heads : {1, 2, 4}) check("flash", {.shape = s, .kv_heads = kv_heads, .masked = true});
}

TEST_CASE("parts whose keys are all masked add nothing, and rows without any key are zeros") {
  on_every_target([] {
    const AttentionShape s = of(5, 2300);
    std::vector<float> mask(2300, -kInfinity);
    for (const float x : output_of(s, mask)) CHECK(x == 0);
    for (const size_t seen : {size_t{0}, size_t{700}, size_t{2299}}) {
      std::ranges::fill(mask, -kInfinity);
      mask[seen] = 0;
      output_of(s, mask);
    }
    std::fill(mask.begin() + 512, mask.begin() + 1024, 0.0f);
    output_of(s, mask);
  });
}

TEST_CASE("divided keys give the same bits on any number of threads, alone and among other heads") {
  for (const int64_t queries : {1, 33, 200}) {
    const AttentionShape s = causal(queries, 4100);
    REQUIRE(KeyParts(s, 48).divided());
    const std::vector<float> one = output_of(s, {}, 1);
    for (const int threads : {2, 3, 16}) CHECK((output_of(s, {}, threads) == one));
    // The first of two sequences of three heads.
    AttentionShape many = s;
    many.batch = 2, many.heads = 3;
    const Heads q(2, 3, queries, 16), k(2, 3, s.keys, 16), v(2, 3, s.keys, 16), out(2, 3, queries, 16);
    q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
    run_mechanism("flash", many, {q.view, k.view, v.view}, out.view, {}, 2);
    CHECK(std::equal(one.begin(), one.end(), out.storage.begin()));
  }
}

TEST_CASE("scores that rise from part to part leave the last one all the weight") {
  on_every_target([] {
    for (const float step : {20.0f, -20.0f, 1e30f}) {
      AttentionShape s = of(2, 3000);
      s.head_size = s.value_size = 1;
      const Heads q(1, 1, 2, 1), k(1, 1, 3000, 1), v(1, 1, 3000, 1), out(1, 1, 2, 1);
      q.view.data[0] = q.view.data[1] = 1;
      for (int64_t j = 0; j < 3000; ++j) {
        k.view.data[j] = step * static_cast<float>(j), v.view.data[j] = static_cast<float>(j);
      }
      run_mechanism("flash", s, {q.view, k.view, v.view}, out.view, {}, 2);
      for (const float x : out.storage) CHECK(x == Approx(step > 0 ? 2999 : 0).margin(1e-5));
    }
  });
}

TEST_CASE("NaN in the score of one key makes its rows NaN, whichever part has it") {
  for (const int64_t at : {3, 1500, 2499}) {
    const AttentionShape s = of(2, 2500);
    const Heads q(1, 1, 2, 16), k(1, 1, 2500, 16), v(1, 1, 2500, 16), out(1, 1, 2, 16);
    q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
    k.view.data[at * 16 + 5] = std::numeric_limits<float>::quiet_NaN();
    run_mechanism("flash", s, {q.view, k.view, v.view}, out.view, {}, 2);
    for (const float x : out.storage) CHECK(x != x);
  }
}

TEST_CASE("the workspace of divided keys is all that they need") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const auto flash = make_flash();
  for (const auto& [queries, keys] : {std::pair(1, 1024), {3, 2047}, {49, 5000}}) {
    const AttentionShape s = of(queries, keys);
    const Heads q(1, 1, queries, 16), k(1, 1, keys, 16), v(1, 1, keys, 16), out(1, 1, queries, 16);
    q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
    const int64_t bytes = flash->workspace_bytes(s, 2, false);
    const RawBuffer workspace(memory, bytes + 64, "workspace");
    std::ranges::fill(workspace.span(), std::byte{0x5A});
    flash->run(s, {q.view, k.view, v.view}, out.view, {}, workspace.span().first(static_cast<size_t>(bytes)),
               run);
    CHECK(std::ranges::all_of(workspace.span().subspan(static_cast<size_t>(bytes)),
                              [](std::byte x) { return x == std::byte{0x5A}; }));
  }
}

}  // namespace linformer
