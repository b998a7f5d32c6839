// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "attention/naive_linformer.h"

namespace linformer {
namespace {

// A tensor rounded to bf16, in rows of some elements more than it has.
struct Bf16Heads {
  std::vector<Bf16> storage;
  HeadsView<Bf16> view;

  explicit Bf16Heads(HeadsView<const float> from) {
    const int64_t stride = from.cols + 3, head = from.rows * stride;
    storage.assign(static_cast<size_t>(from.batch * from.heads * head), bf16_from(kUntouched));
    view = {storage.data(), from.batch, from.heads, from.rows, from.cols, from.heads * head, head, stride};
    for (int64_t b = 0; b < from.batch; ++b) {
      for (int64_t h = 0; h < from.heads; ++h) {
        const MatrixView<const float> source = from.matrix(b, h);
        for (int64_t i = 0; i < from.rows; ++i)
          std::transform(source.row(i), source.row(i) + from.cols, view.matrix(b, h).row(i), bf16_from);
      }
    }
  }
};

// Of O against the mechanism's reference on the bf16 values, as a share of max |O|.
double error_of_bf16(const std::string& name, const AttentionShape& s, int64_t kv_heads, bool masked) {
  const Heads q(s.batch, s.heads, s.queries, s.head_size), k(s.batch, kv_heads, s.keys, s.head_size),
      v(s.batch, kv_heads, s.keys, s.value_size), o(s.batch, s.heads, s.queries, s.value_size);
  q.fill(3, 1), k.fill(1, 2), v.fill(1, 3);
  const Bf16Heads q16(q.view), k16(k.view), v16(v.view), o16(o.view);
  std::vector<float> mask(static_cast<size_t>(s.batch * s.keys), 0.0f);
  for (size_t j = 0; j < mask.size(); j += 3) mask[j] = -std::numeric_limits<float>::infinity();
  Bf16AttentionInput in{q16.view, k16.view, v16.view};
  if (masked) in.key_mask = {mask.data(), s.batch, s.keys, s.keys};
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const auto mechanism = make_mechanism(name);
  const DrawnParameters parameters(mechanism->parameters(s));
  const RawBuffer workspace(memory, mechanism->bf16_workspace_bytes(s, 2, false), "workspace");
  mechanism->prepare(s, parameters.pointers);
  mechanism->run_bf16(s, in, o16.view, {}, workspace.span(), run);
  CHECK(memory.current_bytes() == workspace.bytes());
  CHECK(f32_from(o16.storage.back()) == f32_from(bf16_from(kUntouched)));
  std::vector<int64_t> rows(static_cast<size_t>(s.queries));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  double error = 0, most = 0;
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const std::vector<double> truth = mechanism->reference_bf16(s, in, b, h, rows).o;
      for (size_t i = 0; i < truth.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        const float ours = f32_from(o16.view.matrix(b, h).row(at / s.value_size)[at % s.value_size]);
        const double e = std::abs(static_cast<double>(ours) - truth[i]);
        if (!(e <= error)) error = e;
        most = std::max(most, std::abs(truth[i]));
      }
    }
  }
  return error / most;
}

constexpr AttentionShape kShape{
    .batch = 2, .heads = 4, .queries = 37, .keys = 53, .head_size = 16, .value_size = 24, .scale = 0.25f};

}  // namespace

TEST_CASE("bf16 input gives bf16 output, rounded once, of every mechanism") {
  for (const char* name : {"standard", "flash", "linformer:k=7", "linformer:k=7,projection=mean-pooling",
                           "linformer:k=7,sharing=headwise,projection=convolution"}) {
    INFO(name);
    // Half a unit in the last of 8 bits.
    CHECK(error_of_bf16(name, kShape, 4, false) <= 0x1p-8 * 1.001);
    CHECK(error_of_bf16(name, kShape, 2, true) <= 0x1p-8 * 1.001);
  }
  AttentionShape causal = kShape;
  causal.causal = true;
  for (const char* name : {"standard", "flash"})
    CHECK(error_of_bf16(name, causal, 1, false) <= 0x1p-8 * 1.001);
}

TEST_CASE("the reference of bf16 input is that of its values in f32") {
  const Heads q(2, 4, 37, 16), k(2, 2, 53, 16), v(2, 2, 53, 24);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  const Bf16Heads q16(q.view), k16(k.view), v16(v.view);
  for (const auto& [wide, narrow] : {std::pair{&q, &q16}, std::pair{&k, &k16}, std::pair{&v, &v16}}) {
    for (int64_t i = 0; i < std::ssize(wide->storage); ++i) {
      const int64_t cols = wide->view.cols;
      wide->view.data[i] = f32_from(narrow->storage[static_cast<size_t>(i / cols * (cols + 3) + i % cols)]);
    }
  }
  const std::vector<int64_t> rows = {0, 36, 5};
  const auto standard = make_mechanism("standard");
  const ReferenceRows wide = standard->reference(kShape, {q.view, k.view, v.view}, 1, 3, rows);
  const ReferenceRows narrow = standard->reference_bf16(kShape, {q16.view, k16.view, v16.view}, 1, 3, rows);
  CHECK(wide.o == narrow.o);
  CHECK(wide.largest_score == narrow.largest_score);
}

TEST_CASE("P of bf16 input can be tapped in f32, with and without an output") {
  const Heads q(2, 4, 37, 16), k(2, 4, 53, 16), p(2, 4, 37, 53);
  q.fill(1, 1), k.fill(1, 2);
  const Bf16Heads q16(q.view), k16(k.view);
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  AttentionShape s = kShape;
  s.value_size = 0;
  const auto standard = make_mechanism("standard");
  const RawBuffer workspace(memory, standard->bf16_workspace_bytes(s, 1, true), "workspace");
  standard->run_bf16(s, {q16.view, k16.view, {}}, {}, {.probabilities = p.view}, workspace.span(), run);
  const float* const row = p.view.matrix(1, 3).row(36);
  CHECK(std::accumulate(row, row + 53, 0.0) == Approx(1));
}

TEST_CASE("bf16 takes room for f32 copies that grows with the length, not with its square") {
  const auto flash = make_mechanism("flash");
  const auto extra = [&](int64_t n) {
    AttentionShape s = kShape;
    s.queries = s.keys = n;
    return flash->bf16_workspace_bytes(s, 2, false) - flash->workspace_bytes(s, 2, false);
  };
  CHECK(extra(1000) == 4 * 2 * 4 * 1000 * (16 + 16 + 24 + 24));
  CHECK(extra(4000) == 4 * extra(1000));
  CHECK_FALSE(flash->traits().native_bf16);
}

}  // namespace linformer
