// SPDX-License-Identifier: MIT
#include "model/source.h"

#include <limits>

#include "catch.h"
#include "io/error_of.h"
#include "recorder.h"

namespace linformer {
namespace {

using Indices = std::vector<int64_t>;

const std::vector<TokenSequence> kSequences = {{.document = 0, .ids = {2, 11, 12, 3}},
                                               {.document = 0, .ids = {2, 13, 14, 15, 16, 3}},
                                               {.document = 4, .ids = {2, 40, 3, 3}}};

TEST_CASE("sequences are grouped by rows and columns, ascending within a group, none lost") {
  const std::vector<MapSize> sizes = {{4, 4}, {5, 4}, {4, 4}, {4, 5}, {5, 4}, {9, 9}};
  const Indices all = {0, 1, 2, 3, 4, 5};
  auto groups = groups_of_equal_size(all, sizes);
  std::sort(groups.begin(), groups.end());
  CHECK(groups == std::vector<Indices>{{0, 2}, {1, 4}, {3}, {5}});
  const Indices some = {1, 2, 4};
  groups = groups_of_equal_size(some, sizes);
  std::sort(groups.begin(), groups.end());
  CHECK(groups == std::vector<Indices>{{1, 4}, {2}});
  CHECK(groups_of_equal_size({}, sizes).empty());
}

TEST_CASE("no chosen indices are all of them") {
  CHECK(choose_indices({}, 3, "--layers") == Indices{0, 1, 2});
}

TEST_CASE("chosen indices come sorted and once") {
  CHECK(choose_indices({5, 1, 3, 1, 5}, 6, "--layers") == Indices{1, 3, 5});
}

TEST_CASE("an index that there is not is a usage error naming the option, the index and what there is") {
  for (const int64_t wrong : {int64_t{6}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    const auto error = error_of([&] { choose_indices({2, wrong, 1}, 6, "--heads"); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
    CHECK(error->detail().subject == "--heads");
    CHECK(error->detail().found == std::to_string(wrong));
    CHECK(contains(error->detail().expected, "0 to 5"));
  }
}

TEST_CASE("a model's source knows sizes and documents before anything is computed") {
  LoadedFixture loaded;
  const auto source = make_model_source(loaded.model, kSequences, {}, loaded.run);
  const SourceFacts& facts = source->facts();
  CHECK(facts.layers == 2);
  CHECK(facts.heads == 3);
  CHECK(facts.head_size == 16);
  CHECK_FALSE(facts.causal);
  CHECK(facts.has_logits);
  CHECK(facts.sizes == std::vector<MapSize>{{4, 4}, {6, 6}, {4, 4}});
  CHECK(facts.documents == Indices{0, 0, 4});
  CHECK(facts.dropped.empty());
}

TEST_CASE("a model's source knows the positions to be dropped") {
  LoadedFixture loaded;
  const std::vector<std::vector<int32_t>> dropped = {{0, 3}, {}, {0, 2, 3}};
  CHECK(make_model_source(loaded.model, kSequences, dropped, loaded.run)->facts().dropped == dropped);
}

TEST_CASE("a model's source shows what the model computes for those sequences") {
  LoadedFixture loaded;
  const auto source = make_model_source(loaded.model, kSequences, {}, loaded.run);
  Recorder recorder;
  const Indices group = {0, 2};
  source->run(group, 2, recorder);
  using Calls = std::vector<std::pair<int64_t, int64_t>>;
  CHECK(recorder.calls == Calls{{0, 0}, {0, 2}, {1, 0}, {1, 2}});
  for (const int64_t sequence : group) {
    const std::span<const int32_t> ids(kSequences[static_cast<size_t>(sequence)].ids);
    ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
    Keeper keeper;
    pass.run(TokenBatch{&ids, 1}, {}, 2, &keeper);
    for (int64_t layer = 0; layer < 2; ++layer) {
      CAPTURE(sequence, layer);
      const KeptLayer &ours = recorder.at(layer, sequence),
                      &truth = keeper.layers[static_cast<size_t>(layer)];
      CHECK(agrees(ours.hidden, truth.hidden));
      CHECK(agrees(ours.logits, truth.logits));
      CHECK(probabilities_agree(ours.probabilities, truth.probabilities));
      CHECK(agrees(ours.v, truth.v));
    }
    CHECK(agrees(recorder.embeddings.at(sequence), keeper.embeddings));
  }
}

TEST_CASE("a model's source stops after the layers asked for, and shows only what is wanted") {
  LoadedFixture loaded;
  const auto source = make_model_source(loaded.model, kSequences, {}, loaded.run);
  Recorder recorder({.logits = false, .probabilities = true, .row_stride = 9});
  const Indices one = {1};
  source->run(one, 1, recorder);
  CHECK(recorder.calls.size() == 1);
  CHECK(recorder.at(0, 1).logits.empty());
  Recorder plain;
  source->run(one, 1, plain);
  CHECK(recorder.at(0, 1).probabilities == plain.at(0, 1).probabilities);  // whatever the row stride
}

TEST_CASE("a model's source takes just the bytes that were announced") {
  const LayerWants nothing, p = {.logits = false, .probabilities = true, .row_stride = 9},
                            both = {.logits = true, .probabilities = true};
  for (const LayerWants& wants : {nothing, p, both}) {
    LoadedFixture loaded;
    const int64_t weights = loaded.memory.current_bytes();
    const auto source = make_model_source(loaded.model, kSequences, {}, loaded.run);
    const int64_t n = source->facts().sizes[0].rows;
    const int64_t announced = source->buffer_bytes(1, {n, n}, wants);
    CHECK(loaded.memory.current_bytes() == weights);
    Recorder recorder(wants);
    const Indices first = {0};
    source->run(first, source->facts().layers, recorder);
    CAPTURE(wants.logits, wants.probabilities);
    CHECK(loaded.memory.current_bytes() - weights == announced);
    CHECK(loaded.memory.peak_bytes() - weights == announced);
    CHECK(source->buffer_bytes(1, {n, n}, wants) == announced);
    CHECK(source->buffer_bytes(2, {n, n}, wants) > announced);
  }
}

}  // namespace
}  // namespace linformer
