// SPDX-License-Identifier: MIT
#include "attention/linformer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

// [b, h, rows, cols], random.
struct Heads {
  std::vector<float> values;
  HeadsView<float> view;

  Heads(int64_t b, int64_t h, int64_t rows, int64_t cols, uint64_t index) {
    values.resize(static_cast<size_t>(b * h * rows * cols));
    Random random({.seed = 5, .purpose = 77, .index = index});
    std::generate(values.begin(), values.end(), [&] { return random.normal(); });
    view = {values.data(), b, h, rows, cols, h * rows * cols, rows * cols, cols};
  }
  Heads(const Heads&) = delete;
  Heads& operator=(const Heads&) = delete;
};

struct Case {
  std::string specification;
  AttentionShape shape;
  int64_t kv_heads;
  int64_t k;
};

// Naive, in f64: P̄ [n, k] and O of one head.
struct Twin {
  std::vector<double> p, o;

  // `e`, `f`: [k, keys].
  Twin(const Case& c, MatrixView<const float> q, MatrixView<const float> keys, MatrixView<const float> values,
       const float* e, const float* f) {
    const auto project = [&](const float* m, MatrixView<const float> x) {
      std::vector<double> out(static_cast<size_t>(c.k * x.cols));
      for (int64_t i = 0; i < c.k; ++i) {
        for (int64_t j = 0; j < x.rows; ++j) {
          for (int64_t a = 0; a < x.cols; ++a) {
            out[static_cast<size_t>(i * x.cols + a)] +=
                static_cast<double>(m[i * x.rows + j]) * static_cast<double>(x.row(j)[a]);
          }
        }
      }
      return out;
    };
    const std::vector<double> kb = project(e, keys), vb = project(f, values);
    const int64_t d = keys.cols, dv = values.cols;
    for (int64_t i = 0; i < q.rows; ++i) {
      std::vector<double> row;
      double sum = 0;
      for (int64_t s = 0; s < c.k; ++s) {
        double logit = 0;
        for (int64_t a = 0; a < d; ++a) {
          logit += static_cast<double>(q.row(i)[a]) * kb[static_cast<size_t>(s * d + a)];
        }
        row.push_back(std::exp(static_cast<double>(c.shape.scale) * logit));
        sum += row.back();
      }
      for (double& x : row) x /= sum;
      for (int64_t a = 0; a < dv; ++a) {
        double out = 0;
        for (int64_t s = 0; s < c.k; ++s)
          out += row[static_cast<size_t>(s)] * vb[static_cast<size_t>(s * dv + a)];
        o.push_back(out);
      }
      p.insert(p.end(), row.begin(), row.end());
    }
  }
};

bool close(MatrixView<const float> ours, const std::vector<double>& truth) {
  for (int64_t i = 0; i < ours.rows; ++i) {
    for (int64_t j = 0; j < ours.cols; ++j) {
      const double error =
          std::abs(static_cast<double>(ours.row(i)[j]) - truth[static_cast<size_t>(i * ours.cols + j)]);
      if (!(error < 1e-5)) return false;
    }
  }
  return true;
}

// Whether every head of every sequence agrees with the twin.
bool agrees_with_twin(const Case& c) {
  const AttentionShape& s = c.shape;
  const auto mechanism = make_mechanism(c.specification);
  const auto specs = mechanism->parameters(s);
  std::vector<std::vector<float>> parameters;
  std::vector<const float*> pointers;
  for (const ParameterSpec& spec : specs) {
    Random random({.seed = 5, .purpose = 78, .index = parameters.size()});
    auto& values = parameters.emplace_back(static_cast<size_t>(element_count(spec.shape).value()));
    std::generate(values.begin(), values.end(), [&] { return spec.init.deviation * random.normal(); });
  }
  for (const auto& values : parameters) pointers.push_back(values.data());
  const Heads q(s.batch, s.heads, s.queries, s.head_size, 1), k(s.batch, c.kv_heads, s.keys, s.head_size, 2),
      v(s.batch, c.kv_heads, s.keys, s.value_size, 3), out(s.batch, s.heads, s.queries, s.value_size, 4),
      untapped(s.batch, s.heads, s.queries, s.value_size, 4), p(s.batch, s.heads, s.queries, c.k, 5);
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const AttentionInput in{.q = q.view, .k = k.view, .v = v.view};
  mechanism->prepare(s, pointers);
  const RawBuffer with(memory, mechanism->workspace_bytes(s, run.threads, true), "workspace");
  mechanism->run(s, in, out.view, {.probabilities = p.view}, with.span(), run);
  const RawBuffer without(memory, mechanism->workspace_bytes(s, run.threads, false), "workspace");
  mechanism->run(s, in, untapped.view, {}, without.span(), run);
  std::vector<int64_t> rows(static_cast<size_t>(s.queries));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  bool good = true;
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const int64_t kv = h / (s.heads / c.kv_heads);
      const int64_t group = specs[0].shape.size() == 3 ? h * c.k * s.keys : 0;
      const Twin twin(c, q.view.matrix(b, h), k.view.matrix(b, kv), v.view.matrix(b, kv),
                      pointers.front() + group, pointers.back() + group);
      good = good && close(p.view.matrix(b, h), twin.p) && close(out.view.matrix(b, h), twin.o) &&
             close(untapped.view.matrix(b, h), twin.o) &&
             close(out.view.matrix(b, h), mechanism->reference(s, in, b, h, rows).o);
    }
  }
  return good;
}

constexpr AttentionShape kShape{
    .batch = 2, .heads = 4, .queries = 37, .keys = 29, .head_size = 8, .value_size = 5, .scale = 0.6f};

}  // namespace

TEST_CASE("linformer attention agrees with f64 for every way to share, and for fewer heads of keys") {
  for (const char* sharing : {"none", "headwise", "key-value", "layerwise"}) {
    INFO(sharing);
    CHECK(agrees_with_twin({std::string("linformer:k=7,sharing=") + sharing, kShape, 4, 7}));
  }
  CHECK(agrees_with_twin({"linformer:k=7,sharing=headwise", kShape, 2, 7}));
  CHECK(agrees_with_twin({"linformer:k=1", kShape, 1, 1}));
  CHECK(agrees_with_twin({"linformer:k=40", kShape, 4, 40}));
}

TEST_CASE("linformer attention has E, and F unless keys and values share it") {
  const auto shapes = [](const char* specification) {
    std::string text;
    for (const ParameterSpec& spec : make_mechanism(specification)->parameters(kShape)) {
      text += spec.name + to_string(spec.shape);
      CHECK(spec.init.deviation == Approx(1 / std::sqrt(7.0)));
    }
    return text;
  };
  CHECK(shapes("linformer:k=7,sharing=none") == "E[4, 7, 29]F[4, 7, 29]");
  CHECK(shapes("linformer:k=7,sharing=headwise") == "E[7, 29]F[7, 29]");
  CHECK(shapes("linformer:k=7,sharing=key-value") == "E[7, 29]");
  CHECK(shapes("linformer:sharing=layerwise,k=7") == "E[7, 29]");
}

TEST_CASE("linformer attention means nothing without training, and counts both projections") {
  const auto mechanism = make_mechanism("linformer:k=128");
  CHECK(mechanism->traits().fidelity == Fidelity::kNeedsTraining);
  CHECK_FALSE(mechanism->traits().causal);
  CHECK_FALSE(mechanism->traits().key_mask);
  CHECK(mechanism->canonical() == "linformer:k=128,sharing=layerwise");
  CHECK(make_mechanism("linformer")->canonical() == "linformer:k=256,sharing=layerwise");
  CHECK(make_mechanism("linformer:order=before-weights,k=9")->canonical() ==
        "linformer:k=9,sharing=layerwise,order=before-weights");
  CHECK(make_mechanism("linformer:order=after-weights")->canonical() == "linformer:k=256,sharing=layerwise");
  const AttentionShape shape{
      .batch = 3, .heads = 12, .queries = 512, .keys = 512, .head_size = 64, .value_size = 64};
  CHECK(mechanism->flops(shape) == 8.0 * 512 * 128 * 64 * 12 * 3);
}

TEST_CASE("linformer refuses options, shapes, masks and heads that it cannot compute") {
  for (const char* wrong : {"linformer:k=0", "linformer:k=", "linformer:k=-1", "linformer:k=7x",
                            "linformer:k=7,", "linformer:sharing=kv", "linformer:order=first",
                            "linformer:sharing", "linformer:n=3", "linformer:k=99999999999999999999"}) {
    INFO(wrong);
    const auto error = error_of([&] { make_mechanism(wrong); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
  }
  const auto mechanism = make_mechanism("linformer:k=7,sharing=none");
  CHECK(contains(
      error_of([] { make_mechanism("linformer:k=7,order=before-weights")->prepare(kShape, {}); })->what(),
      "before-weights"));
  AttentionShape causal = kShape;
  causal.causal = true;
  const std::vector<float> e(4 * 7 * 29);
  const std::vector<const float*> parameters = {e.data(), e.data()};
  CHECK(error_of([&] { mechanism->prepare(causal, parameters); }));
  mechanism->prepare(kShape, parameters);
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 1};
  const RawBuffer workspace(memory, mechanism->workspace_bytes(kShape, 1, false), "workspace");
  const Heads q(2, 4, 37, 8, 1), k(2, 2, 29, 8, 2), v(2, 2, 29, 5, 3), out(2, 4, 37, 5, 4);
  const std::vector<float> mask(2 * 29);
  const auto few = error_of([&] {
    mechanism->run(kShape, {.q = q.view, .k = k.view, .v = v.view}, out.view, {}, workspace.span(), run);
  });
  const auto masked = error_of([&] {
    mechanism->run(kShape, {.q = q.view, .k = q.view, .v = q.view, .key_mask = {mask.data(), 2, 29, 29}},
                   out.view, {}, workspace.span(), run);
  });
  REQUIRE(few);
  REQUIRE(masked);
  CHECK(few->code() == ErrorCode::kUsage);
  CHECK(contains(masked->what(), "mask"));
}

}  // namespace linformer
