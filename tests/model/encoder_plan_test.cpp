// SPDX-License-Identifier: MIT
#include "model/encoder_plan.h"

#include <algorithm>
#include <set>

#include "catch.h"
#include "io/error_of.h"
#include "model/drawn_projection.h"

namespace linformer {
namespace {

DrawnProjection drawn(const std::string& options, Run& run) {
  const ModelPlan plan = plan_encoder(parse_encoder_sizes("layers=3,width=8,heads=2,ffn=16"), 32);
  return draw_projection(plan.architecture, parse_linformer_options(options), 20, 1, run);
}

// Where the matrices of all layers begin.
std::set<const float*> places(const DrawnProjection& drawn) {
  std::set<const float*> all;
  for (const ProjectionWeights& layer : drawn.layers) {
    all.insert(layer.keys.weight.data);
    all.insert(layer.values.weight.data);
  }
  return all;
}

}  // namespace

TEST_CASE("Sizes of an encoder are known by name or given one by one") {
  const EncoderSizes base = parse_encoder_sizes("roberta-base"), large = parse_encoder_sizes("roberta-large");
  CHECK(std::tuple(base.layers, base.width, base.heads, base.ffn_width) == std::tuple(12, 768, 12, 3072));
  CHECK(std::tuple(large.layers, large.width, large.heads, large.ffn_width) ==
        std::tuple(24, 1024, 16, 4096));
  CHECK(parse_encoder_sizes("bert-base").width == 768);
  const EncoderSizes own = parse_encoder_sizes("heads=3,layers=2,ffn=7,width=12");
  CHECK(std::tuple(own.layers, own.width, own.heads, own.ffn_width) == std::tuple(2, 12, 3, 7));
  for (const char* wrong :
       {"", "bert", "layers=2", "layers=2,width=12,heads=3,ffn=", "layers=0,width=12,heads=3,ffn=7",
        "layers=2,width=12,heads=5,ffn=7", "layers=2,width=12,heads=3,ffn=7,depth=1",
        "layers=2,width=12,heads=3,ffn=99999999999999999999", "layers=2,width=12,heads=3,ffn=7x"}) {
    INFO(wrong);
    const auto error = error_of([&] { parse_encoder_sizes(wrong); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
    CHECK(contains(error->what(), "--model"));
  }
}

TEST_CASE("A plan for random weights draws biases too, and gives every layer its own") {
  const ModelPlan plan = plan_encoder(parse_encoder_sizes("layers=2,width=8,heads=2,ffn=16"), 32);
  MemoryAccount memory;
  const Model model = Model::untrained(plan, 1, memory);
  REQUIRE(model.layers().size() == 2);
  CHECK(model.layers()[0].qkv.weight.data != model.layers()[1].qkv.weight.data);
  CHECK(model.layers()[0].ffn_out.bias[0] != 0);
  CHECK(model.layers()[1].attention_norm.weight[3] == 1);
  CHECK(model.layers()[1].attention_norm.bias[3] != 0);
  CHECK(model.embeddings().positions.rows == 32);
  CHECK(model.bytes() == memory.current_bytes());
}

TEST_CASE("A layer alone has no embedding, no head and no final norm") {
  const ModelPlan plan = only_layer(plan_encoder(parse_encoder_sizes("roberta-base"), 512), 3);
  CHECK(plan.layers.size() == 1);
  CHECK(plan.layers[0].query.weight.name == "layers.3.query.weight");
  CHECK_FALSE(plan.embeddings.words.exists());
  CHECK(plan.architecture.vocabulary == 0);
  CHECK(plan.architecture.layers == 1);
}

TEST_CASE("E and F are drawn once for each that the sharing asks for, with variance 1 over k") {
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const std::pair<const char*, size_t> rows[] = {
      {"none", 6}, {"headwise", 6}, {"key-value", 3}, {"layerwise", 1}};
  for (const auto& [sharing, matrices] : rows) {
    INFO(sharing);
    const std::string options = std::string("k=4,sharing=") + sharing;
    const DrawnProjection projection = drawn(options, run);
    CHECK(places(projection).size() == matrices);
    const bool none = options.ends_with("none");
    CHECK(projection.layers[2].keys.weight.rows == (none ? 8 : 4));
    CHECK(projection.layers[2].keys.weight.cols == 20);
    CHECK(projection.how.sharing.heads == !none);
    const Architecture a =
        plan_encoder(parse_encoder_sizes("layers=3,width=8,heads=2,ffn=16"), 32).architecture;
    CHECK(projection_bytes(a, parse_linformer_options(options), 20) ==
          projection.storage.size() * static_cast<int64_t>(sizeof(float)));
  }
  const DrawnProjection projection = drawn("k=16,sharing=none", run);
  double squares = 0;
  for (int64_t i = 0; i < projection.storage.size(); ++i) {
    squares += static_cast<double>(projection.storage[i]) * static_cast<double>(projection.storage[i]);
  }
  CHECK(squares / static_cast<double>(projection.storage.size()) == Approx(1.0 / 16).epsilon(0.1));
}

TEST_CASE("A model without weights has the shapes and the bytes of one with weights, and takes no memory") {
  const ModelPlan plan = plan_encoder(parse_encoder_sizes("layers=2,width=8,heads=2,ffn=16"), 10);
  MemoryAccount memory;
  const Model model = Model::without_weights(plan);
  CHECK(memory.peak_bytes() == 0);
  CHECK(model.bytes() == Model::untrained(plan, 1, memory).bytes());
  CHECK(model.layer_count() == 2);
  CHECK(model.layers()[1].ffn_in.weight.rows == 16);
  CHECK(model.layers()[1].ffn_in.weight.data != nullptr);
}

}  // namespace linformer
