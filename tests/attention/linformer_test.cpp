// SPDX-License-Identifier: MIT
#include "attention/linformer.h"

#include <cmath>
#include <string>
#include <vector>

#include "attention/naive_attention.h"
#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

constexpr AttentionShape kShape{
    .batch = 2, .heads = 4, .queries = 37, .keys = 29, .head_size = 8, .value_size = 5, .scale = 0.6f};

}  // namespace

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
  CHECK(mechanism->canonical() == "linformer:k=128,sharing=layerwise");
  CHECK(make_mechanism("linformer")->canonical() == "linformer:k=256,sharing=layerwise");
  CHECK(make_mechanism("linformer:order=before-weights,k=9")->canonical() ==
        "linformer:k=9,sharing=layerwise,order=before-weights");
  CHECK(make_mechanism("linformer:order=after-weights")->canonical() == "linformer:k=256,sharing=layerwise");
  const AttentionShape shape{
      .batch = 3, .heads = 12, .queries = 512, .keys = 512, .head_size = 64, .value_size = 64};
  CHECK(mechanism->flops(shape) == 8.0 * 512 * 128 * 64 * 12 * 3);
}

TEST_CASE("linformer refuses options, shapes and biases that it cannot compute") {
  for (const char* wrong :
       {"linformer:k=0", "linformer:k=", "linformer:k=-1", "linformer:k=7x", "linformer:k=7,",
        "linformer:sharing=kv", "linformer:order=first", "linformer:sharing", "linformer:m=3",
        "linformer:n=0", "linformer:projection=mean", "linformer:k=99999999999999999999"}) {
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
  const Heads q(2, 4, 37, 8), k(2, 4, 29, 8), v(2, 4, 29, 5), out(2, 4, 37, 5), bias(1, 1, 4, 37 + 28);
  const auto biased = error_of([&] {
    mechanism->run(kShape, {.q = q.view, .k = k.view, .v = v.view, .distance_bias = bias.view.matrix(0, 0)},
                   out.view, {}, workspace.span(), run);
  });
  REQUIRE(biased);
  CHECK(biased->code() == ErrorCode::kUsage);
  CHECK(contains(biased->what(), "bias by distance"));
}

}  // namespace linformer
