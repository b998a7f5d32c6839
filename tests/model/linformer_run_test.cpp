// SPDX-License-Identifier: MIT
// Linformers in memory, in batches and in the analysis.
#include <cmath>

#include "linformer_fixtures.h"
#include "spectrum/analysis.h"

namespace linformer {

TEST_CASE("A matrix that all layers share is in memory once") {
  RecordedModel shared = compare("tatp22-layerwise");
  const std::vector<ProjectionWeights>& layers = shared.loaded().model.projections();
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].keys.weight.data == layers[1].keys.weight.data);
  CHECK(layers[0].keys.weight.data == layers[1].values.weight.data);
  CHECK(layers[0].keys.bias == layers[1].values.bias);
}

TEST_CASE("A Linformer's forward pass takes just the bytes that were announced") {
  for (const char* variant : {"lucidrains-one-kv-head", "tatp22-kv", "tatp22-none", "tatp22-convolution",
                              "fairseq", "fairseq-layerwise", "jargon"}) {
    INFO(variant);
    RecordedModel recorded = compare(variant);
    LoadedFixture& loaded = recorded.loaded();
    const int64_t weights = loaded.memory.current_bytes();
    ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
    const std::vector<int32_t> ids = recorded.ids(0);
    const LayerWants wants{.logits = true, .probabilities = true};
    const int64_t announced = pass.buffer_bytes(1, std::ssize(ids), wants);
    CHECK(loaded.memory.current_bytes() == weights);
    Keeper kept;
    const std::span<const int32_t> view(ids);
    pass.run(TokenBatch{&view, 1}, {}, 2, &kept);
    CHECK(loaded.memory.current_bytes() - weights == announced);
    CHECK(loaded.memory.peak_bytes() - weights == announced);
  }
}

TEST_CASE("A batch of sequences gives each what it gets alone") {
  for (const char* variant : {"tatp22-convolution", "tatp22-kv", "fairseq", "lucidrains"}) {
    INFO(variant);
    RecordedModel recorded = compare(variant);
    LoadedFixture& loaded = recorded.loaded();
    std::vector<int32_t> first = recorded.ids(0), second = first;
    std::reverse(second.begin(), second.end());
    const auto source = make_model_source(
        loaded.model, std::vector<TokenSequence>{{.ids = first}, {.ids = second}}, {}, loaded.run);
    Recorder together;
    source->run(std::vector<int64_t>{0, 1}, 2, together);
    const auto alone = layers_of(loaded.model, second, loaded.run);
    for (int64_t layer = 0; layer < 2; ++layer) {
      const KeptLayer &ours = together.at(layer, 1), &truth = alone[static_cast<size_t>(layer)];
      CHECK(agrees(ours.hidden, truth.hidden));
      CHECK(agrees(ours.k, truth.k));
      CHECK(probabilities_agree(ours.probabilities, truth.probabilities));
    }
  }
}

TEST_CASE("An untrained Linformer draws E and F by their own deviation, and runs") {
  const ModelPlan plan = plan_of("fairseq");
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const Model model = Model::untrained(plan, 3, memory);
  const ProjectionWeights& layer = model.projections()[0];
  CHECK(layer.keys.weight.data != layer.values.weight.data);
  const auto kept = layers_of(model, {0, 7, 8, 9}, run);
  CHECK(kept[1].probabilities.size() == size_t{4 * 4 * 5});
  const ModelPlan lucidrains = plan_of("lucidrains");
  CHECK(lucidrains.layers[0].key_projection.weight.untrained.value() == Approx(1 / std::sqrt(18.0)));
}

TEST_CASE("The spectrum of a Linformer is that of P of n tokens by k slots, with its controls") {
  RecordedModel recorded = compare("lucidrains");
  LoadedFixture& loaded = recorded.loaded();
  const auto source = make_model_source(
      loaded.model,
      std::vector<TokenSequence>{{.ids = recorded.ids(0)}, {.document = 1, .ids = recorded.ids(0)}}, {},
      loaded.run);
  CHECK(source->facts().sizes[0] == MapSize{20, 6});
  Analysis analysis(*source, {.controls = {"matched", "permuted"}, .verify = 1}, loaded.run);
  const SpectrumResult result = analysis.run({}, {});
  CHECK(result.length == 6);
  CHECK(result.at == 1);
  CHECK(result.checks.passed);
  CHECK(result.checks.verified == 2 * 2 * 4);
  CHECK(result.checks.smallest_sigma1.value() >= std::sqrt(20.0 / 6) * (1 - 1e-6));
  CHECK(result.comparisons.size() == 2);
}

TEST_CASE("Layers with different numbers of slots are compared at shares of them") {
  RecordedModel recorded = compare("tatp22-kv");
  LoadedFixture& loaded = recorded.loaded();
  const auto source =
      make_model_source(loaded.model, std::vector<TokenSequence>{{.ids = recorded.ids(0)}}, {}, loaded.run);
  CHECK(source->facts().in_layer({16, 6}, 1) == MapSize{16, 4});
  Analysis all(*source, {.verify = 1}, loaded.run);
  const SpectrumResult result = all.run({}, {});
  CHECK_FALSE(result.equal_length);
  CHECK(result.at_share == 0.25);
  CHECK(result.checks.passed);
  Analysis one(*source, {.layers = {1}}, loaded.run);
  CHECK(one.run({}, {}).length == 4);
}

}  // namespace linformer
