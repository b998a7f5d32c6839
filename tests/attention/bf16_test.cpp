// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "attention/naive_linformer.h"
#include "kernels/bf16_isas.h"

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

struct Bf16Case {
  AttentionShape shape;
  int64_t kv_heads = 1;
  float deviation = 3;  // of the elements of Q
  bool masked = false, biased = false;
  int threads = 2;
};

// A mechanism's output in bf16 for drawn input.
struct Bf16Run {
  MemoryAccount memory;
  AttentionShape s;
  std::unique_ptr<Mechanism> mechanism;
  DrawnParameters parameters;
  std::vector<float> mask;
  Heads bias;
  Bf16Heads q, k, v, o;

  Bf16Run(const std::string& name, const Bf16Case& c)
      : s(c.shape),
        mechanism(make_mechanism(name)),
        parameters(mechanism->parameters(s)),
        mask(static_cast<size_t>(c.masked ? s.batch * s.keys : 0)),
        bias(1, 1, s.heads, c.biased ? s.queries + s.keys - 1 : 0),
        q(drawn(s.heads, s.queries, s.head_size, c.deviation, 1)),
        k(drawn(c.kv_heads, s.keys, s.head_size, 1, 2)),
        v(drawn(c.kv_heads, s.keys, s.value_size, 1, 3)),
        o(Heads(s.batch, s.heads, s.queries, s.value_size).view) {
    bias.fill(1, 4);
    for (size_t j = 0; j < mask.size(); j += 3) mask[j] = -std::numeric_limits<float>::infinity();
    mechanism->prepare(s, parameters.pointers);
    run(c.threads);
  }

  void run(int threads) {
    Run run{.memory = memory, .threads = threads};
    const RawBuffer workspace(memory, mechanism->bf16_workspace_bytes(s, threads, false), "workspace");
    spoil(workspace.span());
    mechanism->run_bf16(s, input(), o.view, {}, workspace.span(), run);
    CHECK(memory.current_bytes() == workspace.bytes() + mechanism->bf16_parameter_bytes(s));
    CHECK(f32_from(o.storage.back()) == f32_from(bf16_from(kUntouched)));
  }

  Bf16AttentionInput input() const {
    Bf16AttentionInput in{q.view, k.view, v.view};
    if (!mask.empty()) in.key_mask = {mask.data(), s.batch, s.keys, s.keys};
    if (bias.view.cols > 0) in.distance_bias = bias.view.matrix(0, 0);
    return in;
  }

  // Against the mechanism's reference on the bf16 values, as a share of max |O|, where 1 is what is allowed:
  // a hundredth; of scores over 10, whose slots are rounded, as much more.
  double error() const {
    std::vector<int64_t> rows(static_cast<size_t>(s.queries));
    std::iota(rows.begin(), rows.end(), int64_t{0});
    double error = 0, most = 0, score = 4;
    for (int64_t b = 0; b < s.batch; ++b) {
      for (int64_t h = 0; h < s.heads; ++h) {
        const ReferenceRows reference = mechanism->reference_bf16(s, input(), b, h, rows);
        const std::vector<double>& truth = reference.o;
        score = std::max(score, reference.largest_score);
        for (size_t i = 0; i < truth.size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          const float ours = f32_from(o.view.matrix(b, h).row(at / s.value_size)[at % s.value_size]);
          const double e = std::abs(static_cast<double>(ours) - truth[i]);
          if (!(e <= error)) error = e;
          most = std::max(most, std::abs(truth[i]));
        }
      }
    }
    const bool rounds_slots = mechanism->canonical().starts_with("linformer");
    return error / most / (1e-2 * (rounds_slots ? score / 4 : 1));
  }

 private:
  Bf16Heads drawn(int64_t heads, int64_t rows, int64_t cols, float deviation, uint64_t index) const {
    const Heads values(s.batch, heads, rows, cols);
    values.fill(deviation, index);
    return Bf16Heads(values.view);
  }
};

double error_of_bf16(const std::string& name, const Bf16Case& c) { return Bf16Run(name, c).error(); }

constexpr AttentionShape kShape{
    .batch = 2, .heads = 4, .queries = 37, .keys = 53, .head_size = 16, .value_size = 24, .scale = 0.25f};

}  // namespace

TEST_CASE("bf16 input gives bf16 output, rounded once, of every mechanism that computes in f32") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  for (const char* name : {"standard", "flash", "linformer:k=7", "linformer:k=7,projection=mean-pooling",
                           "linformer:k=7,sharing=headwise,projection=convolution"}) {
    INFO(name);
    // Half a unit in the last of 8 bits.
    const double allowed = make_mechanism(name)->traits().native_bf16 ? 1 : 100 * 0x1p-8 * 1.001;
    CHECK(error_of_bf16(name, {.shape = kShape, .kv_heads = 4}) <= allowed);
    CHECK(error_of_bf16(name, {.shape = kShape, .kv_heads = 2, .masked = true}) <= allowed);
  }
  CHECK(error_of_bf16("nystrom:landmarks=7", {.shape = kShape, .kv_heads = 2}) <= 100 * 0x1p-8 * 1.001);
  CHECK_FALSE(make_mechanism("standard")->traits().native_bf16);
  AttentionShape causal = kShape;
  causal.causal = true;
  CHECK(error_of_bf16("standard", {.shape = causal}) <= 100 * 0x1p-8 * 1.001);
}

TEST_CASE("flash attention in bf16 is within a hundredth at every length around its blocks") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  for (const int64_t n :
       {1, 2, 3, 7, 8, 9, 15, 17, 31, 47, 48, 49, 63, 64, 65, 97, 130, 193, 255, 257, 300}) {
    for (const bool causal : {false, true}) {
      AttentionShape s = kShape;
      s.batch = 1, s.heads = 1, s.queries = s.keys = n, s.causal = causal;
      CAPTURE(n, causal);
      CHECK(error_of_bf16("flash", {.shape = s}) <= 1);
      CHECK(error_of_bf16("flash", {.shape = s, .deviation = 8, .masked = n > 1, .biased = true}) <= 1);
    }
  }
}

TEST_CASE("flash attention in bf16 is within a hundredth for heads of every size") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  for (const auto& [d, value_size] :
       {std::pair(1, 1), {2, 3}, {15, 8}, {16, 16}, {33, 33}, {64, 64}, {80, 17}, {128, 40}, {256, 256}}) {
    AttentionShape s = kShape;
    s.queries = 50, s.keys = 75, s.head_size = d, s.value_size = value_size;
    s.scale = 1 / std::sqrt(static_cast<float>(d));
    CAPTURE(d, value_size);
    CHECK(error_of_bf16("flash", {.shape = s, .kv_heads = 2, .deviation = 8}) <= 1);
    s.causal = true, s.queries = 75, s.keys = 50;
    CHECK(error_of_bf16("flash", {.shape = s, .kv_heads = 4, .deviation = 1}) <= 1);
  }
}

TEST_CASE("few queries over many keys in bf16 are within a hundredth, with every mask") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  for (const int64_t keys : {1024, 1031, 1537, 2600}) {
    for (const int64_t queries : {1, 17, 49}) {
      for (const bool causal : {false, true}) {
        AttentionShape s = kShape;
        s.queries = queries, s.keys = keys, s.causal = causal, s.past = keys - queries;
        CAPTURE(keys, queries, causal);
        CHECK(error_of_bf16("flash", {.shape = s, .kv_heads = 2}) <= 1);
        CHECK(error_of_bf16("flash", {.shape = s, .deviation = 8, .masked = true, .biased = true}) <= 1);
      }
    }
  }
  AttentionShape early = kShape;
  early.queries = 9, early.keys = 1500, early.causal = true;
  CHECK(error_of_bf16("flash", {.shape = early}) <= 1);
}

TEST_CASE("attention in bf16 is the same for every number of threads") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  AttentionShape s = kShape, few = kShape;
  s.queries = s.keys = 700, few.keys = 3000;
  for (const auto& [name, shape] :
       {std::pair("flash", s), {"flash", few}, {"linformer:k=33,sharing=headwise", s}}) {
    Bf16Run run(name, {.shape = shape, .threads = 1});
    const std::vector<Bf16> one = run.o.storage;
    for (const int threads : {2, 5}) {
      run.run(threads);
      CHECK(std::equal(one.begin(), one.end(), run.o.storage.begin(),
                       [](Bf16 a, Bf16 b) { return a.bits == b.bits; }));
    }
  }
}

TEST_CASE(
    "rows of bf16 without keys are zeros, and those with a score that is not a number are not numbers") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  AttentionShape s = kShape;
  s.batch = 1, s.heads = 1;
  Bf16Run run("flash", {.shape = s, .masked = true});
  std::fill(run.mask.begin(), run.mask.end(), -std::numeric_limits<float>::infinity());
  run.run(2);
  CHECK(f32_from(run.o.view.data[0]) == 0);
  CHECK(f32_from(run.o.view.matrix(0, 0).row(36)[23]) == 0);
  std::fill(run.mask.begin(), run.mask.end(), 0.0f);
  run.q.view.matrix(0, 0).row(3)[5] = bf16_from(std::numeric_limits<float>::quiet_NaN());
  run.run(2);
  CHECK(std::isnan(f32_from(run.o.view.matrix(0, 0).row(3)[0])));
  CHECK_FALSE(std::isnan(f32_from(run.o.view.matrix(0, 0).row(4)[0])));
}

TEST_CASE("a query with scores beyond all others does not disturb those beside it in bf16") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  AttentionShape s = kShape;
  s.batch = 1, s.heads = 1, s.keys = 300;
  for (const float huge : {1e3f, 1e9f, 1e30f}) {
    CAPTURE(huge);
    Bf16Run run("flash", {.shape = s, .deviation = 1});
    for (int64_t c = 0; c < s.head_size; ++c)
      run.q.view.matrix(0, 0).row(5)[c] = bf16_from(c == 0 ? huge : 0);
    run.run(1);
    CHECK(run.error() <= 1);
  }
}

TEST_CASE("linformer in bf16 is within a hundredth with every sharing, mask and length") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  for (const char* name :
       {"linformer:k=5", "linformer:k=64,sharing=none", "linformer:k=33,sharing=headwise",
        "linformer:k=40,projection=gaussian", "linformer:k=5,n=600", "linformer:k=130,sharing=none"}) {
    for (const int64_t n : {1, 2, 53, 255, 256, 257, 600}) {
      AttentionShape s = kShape;
      s.keys = n;
      CAPTURE(name, n);
      const double allowed = n < 3 ? 2 : 1;  // O of few positions is a small difference of large slots
      CHECK(error_of_bf16(name, {.shape = s, .kv_heads = 2, .deviation = 1}) <= allowed);
      CHECK(error_of_bf16(name, {.shape = s, .kv_heads = 4, .deviation = 8, .masked = n > 2}) <= allowed);
    }
  }
}

TEST_CASE("what is masked does not reach the output of linformer in bf16, whatever it is") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  Bf16Run run("linformer:k=7", {.shape = kShape, .kv_heads = 2, .masked = true});
  for (int64_t j = 0; j < kShape.keys; j += 3) {
    for (const Bf16Heads* x : {&run.k, &run.v}) {
      x->view.matrix(0, 1).row(j)[2] = bf16_from(std::numeric_limits<float>::quiet_NaN());
    }
  }
  run.mask.assign(run.mask.size(), 0.0f);
  for (size_t j = 0; j < static_cast<size_t>(kShape.keys); j += 3) {
    run.mask[j] = -std::numeric_limits<float>::infinity();
  }
  run.run(1);
  CHECK(run.error() <= 1);
}

TEST_CASE("linformer in bf16 rounds the parameters that it was prepared with last, and them once") {
  const KernelLimit limit(GENERATE(from_range(bf16_isas())));
  Bf16Run run(GENERATE("linformer:k=7", "linformer:k=7,sharing=none"), {.shape = kShape, .kv_heads = 2});
  for (std::vector<float>& tensor : run.parameters.values) {
    for (float& x : tensor) x = -2 * x;
  }
  run.run(2);
  // Still of the values it was prepared with; copies in f32 meet the parameters as they are.
  CHECK((run.error() > 1) == run.mechanism->traits().native_bf16);
  run.mechanism->prepare(run.s, run.parameters.pointers);
  run.run(2);
  CHECK(run.error() <= 1);
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

TEST_CASE(
    "bf16 without products of its own takes room for f32 copies that grows with the length, not with its "
    "square") {
  const auto pooled = make_mechanism("linformer:k=7,projection=mean-pooling");
  const auto extra = [&](int64_t n) {
    AttentionShape s = kShape;
    s.queries = s.keys = n;
    return pooled->bf16_workspace_bytes(s, 2, false) - pooled->workspace_bytes(s, 2, false);
  };
  CHECK(extra(1000) == 4 * 2 * 4 * 1000 * (16 + 16 + 24 + 24));
  CHECK(extra(4000) == 4 * extra(1000));
  CHECK_FALSE(pooled->traits().native_bf16);
}

}  // namespace linformer
