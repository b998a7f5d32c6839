// SPDX-License-Identifier: MIT
#include "model/linformer_file.h"

#include <functional>

#include "io/json.h"
#include "linformer_fixtures.h"

namespace linformer {

TEST_CASE("Every layout survives a file of our own, bit for bit") {
  const TemporaryFolder folder;
  for (const std::string& variant : variants()) {
    INFO(variant);
    RecordedModel original = compare(variant);
    const std::string file = folder.path(variant + ".safetensors");
    write_linformer(file, original.loaded().model);
    LoadedFixture copy(file);
    CHECK(copy.plan.architecture.family == "linformer");
    const Projection &ours = *copy.plan.architecture.projection,
                     &theirs = *original.architecture().projection;
    CHECK(name_of(ours.sharing) == name_of(theirs.sharing));
    CHECK(ours.bias == theirs.bias);
    CHECK(ours.k == theirs.k);
    CHECK(unused_tensors(copy.checkpoint, copy.plan).empty());
    const auto before = layers_of(original.loaded().model, original.ids(1), copy.run);
    const auto after = layers_of(copy.model, original.ids(1), copy.run);
    REQUIRE(before.size() == after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      CHECK(before[i].hidden == after[i].hidden);
      CHECK(before[i].probabilities == after[i].probabilities);
      CHECK(before[i].k == after[i].k);
    }
    CHECK(RecordedModel(file, fixture("linformers/" + variant)).disagreements().empty());
  }
}

TEST_CASE("Layers may share all weights but E and F, and their number of slots") {
  const TemporaryFolder folder;
  RecordedModel original = compare("tatp22-kv");
  const std::string file = folder.path("own.safetensors");
  write_linformer(file, original.loaded().model);
  const TensorFile from = TensorFile::open(file, true);
  // Both layers run the first one's weights: told so, or stored twice.
  const auto written = [&](const nlohmann::json& weights_of_layers, const std::string& name) {
    nlohmann::json description = parse_json(from.metadata().at(Weights::kDescription), "description");
    description["weights_of_layers"] = weights_of_layers;
    std::vector<MadeTensor> tensors;
    for (const TensorInfo& t : from.tensors()) {
      const bool second = t.name.starts_with("layers.1.");
      const std::string source = second ? "layers.0." + t.name.substr(9) : t.name;
      tensors.push_back(made_floats(t.name, t.shape, recorded_floats(from, source)));
    }
    return put_tensors(folder, tensors, name, {{Weights::kDescription, description.dump()}});
  };
  LoadedFixture told(written({0, 0}, "told.safetensors")), stored(written({0, 1}, "stored.safetensors"));
  CHECK(told.plan.architecture.projection->k == std::vector<int64_t>{6, 4});
  const std::vector<int32_t> ids = original.ids(0);
  const auto a = layers_of(told.model, ids, told.run), b = layers_of(stored.model, ids, stored.run);
  REQUIRE(a.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(a[i].probabilities == b[i].probabilities);
    CHECK(a[i].hidden == b[i].hidden);
  }
  CHECK(a[1].probabilities.size() == a[0].probabilities.size() / 6 * 4);
}

TEST_CASE("A file of our own that contradicts itself is refused, naming the key or the tensor") {
  const TemporaryFolder folder;
  RecordedModel original = compare("tatp22-kv");
  const std::string file = folder.path("own.safetensors");
  write_linformer(file, original.loaded().model);
  const std::string text = TensorFile::open(file, true).metadata().at(Weights::kDescription);
  const auto refused = [&](const std::function<void(nlohmann::json&)>& change, const char* named) {
    INFO(named);
    const Checkpoint checkpoint = Checkpoint::open(file, true);
    nlohmann::json description = parse_json(text, "description");
    change(description);
    std::vector<TensorSpec> specs;
    for (const TensorInfo& t : checkpoint.tensors()) specs.push_back({t.name, t.dtype, t.shape});
    const std::string changed = folder.path("changed.safetensors");
    SafetensorsWriter writer(changed, specs, {{Weights::kDescription, description.dump()}});
    writer.commit();
    const auto error = error_of([&] { plan_model(Checkpoint::open(changed, true)); });
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kInput);
    CHECK(contains(error->what(), named));
  };
  refused([](nlohmann::json& d) { d["schema"] = "linformer/model/9"; }, "schema");
  refused([](nlohmann::json& d) { d["layers"] = 2000000000; }, "k");
  refused([](nlohmann::json& d) { d["layers"] = -1; }, "layers");
  refused(
      [](nlohmann::json& d) {
        d["layers"] = 10'001;
        d["projection"]["k"] = std::vector<int>(10'001, 6);
      },
      "layers");
  refused([](nlohmann::json& d) { d["unplaced_id"] = 0, d["first_position"] = 0; }, "first_position");
  refused([](nlohmann::json& d) { d["norm_epsilon"] = 1e39; }, "norm_epsilon");
  refused([](nlohmann::json& d) { d["sinusoid_frequencies"] = {1e39}; }, "sinusoid_frequencies");
  refused([](nlohmann::json& d) { d["weights_of_layers"] = {0, uint64_t{1} << 63}; }, "weights_of_layers");
  refused([](nlohmann::json& d) { d["heads"] = 5; }, "heads");
  refused([](nlohmann::json& d) { d["causal"] = true; }, "causal");
  refused([](nlohmann::json& d) { d.erase("projection"); }, "projection");
  refused([](nlohmann::json& d) { d["projection"]["k"] = {6, 5}; }, "projections.1.weight");
  refused([](nlohmann::json& d) { d["projection"]["k"] = {6, 1e3}; }, "k");
  refused([](nlohmann::json& d) { d["projection"]["keys"] = {0, 7}; }, "projections.7.weight");
  refused([](nlohmann::json& d) { d["projection"]["keys"] = {0}; }, "keys");
  refused([](nlohmann::json& d) { d["positions"] = 17; }, "projections.0.weight");
  refused([](nlohmann::json& d) { d["activation"] = "mish"; }, "activation");
  refused([](nlohmann::json& d) { d = nlohmann::json::array(); }, "description");
}

}  // namespace linformer
