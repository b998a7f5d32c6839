// SPDX-License-Identifier: MIT
#include <limits>
#include <string>
#include <vector>

#include "attention/naive_linformer.h"
#include "attention/slot_projection.h"
#include "catch.h"
#include "io/error_of.h"

namespace linformer {
namespace {

const std::vector<std::string> kProjections = {"learned", "gaussian", "mean-pooling", "max-pooling",
                                               "convolution"};

// 2 sequences of n keys, 4 heads, d = 8.
AttentionShape shape_with(int64_t n) {
  return {.batch = 2, .heads = 4, .queries = 11, .keys = n, .head_size = 8, .value_size = 8, .scale = 0.6f};
}

}  // namespace

TEST_CASE("every projection of a linformer agrees with f64 loops, however it is shared") {
  for (const std::string& projection : kProjections) {
    for (const char* sharing : {"none", "headwise", "key-value", "layerwise"}) {
      if (projection.ends_with("pooling")) continue;
      const std::string options = "k=7,sharing=" + std::string(sharing) + ",projection=" + projection;
      check(LinformerCase{options, shape_with(29), 4});
      check(LinformerCase{options, shape_with(29), 2, Padding::kHoles});
      check(LinformerCase{options + ",n=40", shape_with(29), 1, Padding::kRight});
    }
  }
  for (const char* sharing : {"none", "headwise"}) {  // more slots than are a task of few heads
    const std::string options = "k=130,sharing=" + std::string(sharing);
    check(LinformerCase{options, shape_with(200), 2});
    check(LinformerCase{options, shape_with(200), 4, Padding::kHoles});
  }
  AttentionShape other = shape_with(29);
  other.value_size = 5;
  for (const std::string& projection : kProjections) {
    const std::string sharing = projection == "convolution" ? ",sharing=headwise" : "";
    check(LinformerCase{"k=7,projection=" + projection + sharing, other, 4, Padding::kHoles});
  }
}

TEST_CASE("every projection of a linformer leaves out what is masked, whatever is there") {
  for (const std::string& projection : kProjections) {
    const std::string options = "k=6,projection=" + projection;
    for (const Padding padding : {Padding::kRight, Padding::kHoles, Padding::kWholeSequence}) {
      check(LinformerCase{options, shape_with(31), 4, padding});
      check(LinformerCase{options, shape_with(6), 2, padding});
      check(LinformerCase{options + ",n=900", shape_with(700), 1, padding});
    }
  }
}

TEST_CASE("every projection of a linformer takes one slot, as many as positions, and one position") {
  for (const std::string& projection : kProjections) {
    const std::string options = ",projection=" + projection;
    check(LinformerCase{"k=1" + options, shape_with(300), 4});
    check(LinformerCase{"k=13" + options, shape_with(13), 4});
    check(LinformerCase{"k=1" + options, shape_with(1), 4});
    check(LinformerCase{"k=1" + options, shape_with(1), 4, Padding::kWholeSequence});
    check(LinformerCase{"k=5,n=9" + options, shape_with(1), 4});
  }
}

TEST_CASE("a sequence of which all is masked gets zeros from every projection of a linformer") {
  for (const std::string& projection : kProjections) {
    INFO(projection);
    const AttentionShape s = shape_with(12);
    const auto mechanism = make_mechanism("linformer:k=5,projection=" + projection);
    const DrawnParameters parameters(mechanism->parameters(s));
    const Heads q(2, 4, 11, 8), k(2, 4, 12, 8), out(2, 4, 11, 8);
    q.fill(1, 1), k.fill(1, 2);
    std::vector<float> mask(24, 0.0f);
    std::fill_n(mask.begin(), 12, -std::numeric_limits<float>::infinity());
    MemoryAccount memory;
    Run run{.memory = memory, .threads = 1};
    const RawBuffer workspace(memory, mechanism->workspace_bytes(s, 1, false), "workspace");
    mechanism->prepare(s, parameters.pointers);
    mechanism->run(s, {.q = q.view, .k = k.view, .v = k.view, .key_mask = {mask.data(), 2, 12, 12}}, out.view,
                   {}, workspace.span(), run);
    const auto half = out.storage.begin() + 4 * 11 * 8;
    CHECK(std::all_of(out.storage.begin(), half, [](float x) { return x == 0; }));
    CHECK(std::none_of(half, out.storage.end(), [](float x) { return x == 0; }));
  }
}

TEST_CASE("the mean of windows of one position is exact attention, and so is their maximum") {
  const AttentionShape s = shape_with(23);
  const Heads q(2, 4, 11, 8), k(2, 4, 23, 8), v(2, 4, 23, 8), out(2, 4, 11, 8);
  q.fill(1, 1), k.fill(1, 2), v.fill(1, 3);
  const AttentionInput in{.q = q.view, .k = k.view, .v = v.view};
  for (const char* projection : {"mean-pooling", "max-pooling"}) {
    run_mechanism(std::string("linformer:k=23,projection=") + projection, s, in, out.view, {}, 2);
    CHECK(compare(s, in, out.view, {}).output <= 2e-6);
  }
}

TEST_CASE("a padded sequence gets from every projection of a linformer what the sequence without it gets") {
  for (const std::string& projection : kProjections) {
    INFO(projection);
    const Heads q(2, 4, 11, 8), k(2, 4, 40, 8), whole(2, 4, 11, 8), part(2, 4, 11, 8);
    q.fill(1, 1), k.fill(1, 2);
    std::vector<float> mask(80, 0.0f);
    for (size_t j = 0; j < mask.size(); ++j) {
      if (j % 40 >= 26) mask[j] = -std::numeric_limits<float>::infinity();
    }
    const auto mechanism = make_mechanism("linformer:k=9,n=40,projection=" + projection);
    const DrawnParameters parameters(mechanism->parameters(shape_with(40)));
    const auto run = [&](int64_t n, MatrixView<const float> key_mask, const Heads& out) {
      const AttentionShape s = shape_with(n);
      HeadsView<float> keys = k.view;
      keys.rows = n;
      MemoryAccount memory;
      Run one{.memory = memory, .threads = 1};
      const RawBuffer workspace(memory, mechanism->workspace_bytes(s, 1, false), "workspace");
      mechanism->prepare(s, parameters.pointers);
      mechanism->run(s, {.q = q.view, .k = keys, .v = keys, .key_mask = key_mask}, out.view, {},
                     workspace.span(), one);
    };
    run(40, {mask.data(), 2, 40, 40}, whole);
    run(26, {}, part);
    for (size_t i = 0; i < whole.storage.size(); ++i)
      REQUIRE(whole.storage[i] == Approx(part.storage[i]).margin(1e-6));
  }
}

TEST_CASE("windows that are pooled follow one another, none is empty, and sizes differ by one at most") {
  for (const auto& [n, k] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {7, 7}, {7, 1}, {10, 7}, {512, 128}, {1000, 333}, {1 << 20, (1 << 19) + 1}}) {
    CAPTURE(n, k);
    const SlotWeights w{.kind = SlotWeights::Kind::kMeanPooling, .k = k, .n = n};
    int64_t end = 0;
    bool good = true;
    for (int64_t i = 0; i < k; ++i) {
      const Window window = window_of(w, 8, i);
      const int64_t size = window.end - window.begin;
      good = good && window.begin == end && (size == n / k || size == (n + k - 1) / k);
      end = window.end;
    }
    CHECK(good);
    CHECK(end == n);
  }
}

TEST_CASE("a linformer says which parameters each projection has, and whether they are trained") {
  const auto listed = [](const std::string& options) {
    std::string text;
    for (const ParameterSpec& spec : make_mechanism("linformer:k=7," + options)->parameters(shape_with(29))) {
      text += spec.name + to_string(spec.shape) + (spec.trainable ? "" : " as it is");
    }
    return text;
  };
  CHECK(listed("projection=gaussian") == "R[7, 29] as it is");
  CHECK(listed("projection=gaussian,sharing=none") == "R[4, 7, 29] as it is");
  CHECK(listed("projection=mean-pooling").empty());
  CHECK(listed("projection=max-pooling").empty());
  CHECK(listed("projection=convolution") == "E[8, 8, 5]");
  CHECK(listed("projection=convolution,sharing=headwise") == "E[8, 8, 5]F[8, 8, 5]");
  CHECK(listed("projection=convolution,sharing=none,n=70") == "E[4, 8, 8, 10]F[4, 8, 8, 10]");
  CHECK(listed("n=64") == "E[7, 64]");
}

TEST_CASE("a linformer is random, approximates, or needs training as its projection has it") {
  const auto traits = [](const std::string& projection) {
    return make_mechanism("linformer:projection=" + projection)->traits();
  };
  for (const std::string& projection : kProjections) {
    INFO(projection);
    CHECK(traits(projection).random == (projection == "gaussian"));
    CHECK((traits(projection).fidelity == Fidelity::kApproximates) == (projection == "mean-pooling"));
    CHECK(traits(projection).fidelity != Fidelity::kExact);
    CHECK(traits(projection).key_mask);
    CHECK_FALSE(traits(projection).causal);
  }
}

TEST_CASE("operations of a linformer are those of its projection and of attention over the slots") {
  const AttentionShape s{
      .batch = 3, .heads = 12, .queries = 512, .keys = 512, .head_size = 64, .value_size = 32};
  const auto flops = [&](const std::string& projection) {
    return make_mechanism("linformer:k=128,sharing=headwise,projection=" + projection)->flops(s);
  };
  const double attention = 2.0 * 512 * 128 * (64 + 32) * 36;
  CHECK(flops("learned") == 2 * attention);
  CHECK(flops("gaussian") == 2 * attention);
  CHECK(flops("convolution") == attention + 2.0 * 512 * (64 * 64 + 32 * 32) * 36);
  CHECK(make_mechanism("linformer:k=128,projection=mean-pooling")->flops(s) ==
        attention + 512.0 * (64 + 32) * 36);
  CHECK(make_mechanism("linformer:k=128,projection=max-pooling")->flops(s) ==
        attention + 512.0 * (64 + 32) * 36);
}

TEST_CASE("a linformer's canonical form leaves out what is as usual, and sharing where nothing is shared") {
  const auto canonical = [](const std::string& options) {
    return make_mechanism("linformer:" + options)->canonical();
  };
  CHECK(canonical("projection=learned") == "linformer:k=256,sharing=layerwise");
  CHECK(canonical("n=512,projection=convolution,k=4") ==
        "linformer:k=4,sharing=layerwise,projection=convolution,n=512");
  CHECK(canonical("projection=mean-pooling,k=4") == "linformer:k=4,projection=mean-pooling");
  CHECK(canonical("projection=max-pooling") == "linformer:k=256,projection=max-pooling");
  // E and F of one R: nothing is between heads that share and keys and values that share.
  CHECK(canonical("projection=gaussian,sharing=headwise") ==
        "linformer:k=256,sharing=key-value,projection=gaussian");
  for (const std::string& projection : kProjections) {
    const std::string once = canonical("n=300,projection=" + projection);
    CHECK(make_mechanism(once)->canonical() == once);
  }
}

TEST_CASE(
    "a linformer refuses more windows than positions, more keys than E has, one kernel for two sizes, and "
    "the uncountable") {
  const auto refused = [](const std::string& options, const AttentionShape& s) {
    const auto error = error_of([&] {
      const auto mechanism = make_mechanism("linformer:" + options);
      const DrawnParameters parameters(mechanism->parameters(s));
      CHECK(mechanism->flops(s) > 0);
      CHECK(mechanism->workspace_bytes(s, 2, false) > 0);
      mechanism->prepare(s, parameters.pointers);
    });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
    return std::string(error->what());
  };
  for (const char* projection : {"mean-pooling", "max-pooling", "convolution"}) {
    CHECK(contains(refused(std::string("k=30,projection=") + projection, shape_with(29)), "k=30"));
  }
  CHECK(contains(refused("k=2000000000,projection=mean-pooling", shape_with(29)), "n=29"));
  for (const std::string& projection : kProjections) {
    CHECK(contains(refused("k=3,n=28,projection=" + projection, shape_with(29)), "29 keys"));
  }
  AttentionShape other = shape_with(29);
  CHECK(contains(refused("k=2147483648,n=2147483648", other), "2^58"));
  other.head_size = int64_t{1} << 32;
  CHECK(contains(refused("k=1,projection=convolution", other), "2^58"));
  other = shape_with(29);
  other.value_size = 5;
  CHECK(contains(refused("k=3,projection=convolution", other), "8 and 5"));
  for (const char* pooling : {"mean-pooling", "max-pooling"}) {
    CHECK(contains(refused(std::string("sharing=none,projection=") + pooling, other), "no parameters"));
  }
}

}  // namespace linformer
