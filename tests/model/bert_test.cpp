// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/threads.h"
#include "catch.h"
#include "checkpoint/safetensors_writer.h"
#include "io/error_of.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "model/family.h"
#include "model/forward.h"
#include "model/language_model.h"
#include "model/model.h"
#include "recorded.h"
#include "recorder.h"

namespace linformer {
namespace {

constexpr int kSequences = 3;

Keeper forward(LoadedFixture& loaded, const std::vector<int64_t>& recorded_ids) {
  const std::vector<int32_t> ids(recorded_ids.begin(), recorded_ids.end());
  const std::span<const int32_t> sequence(ids);
  ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
  Keeper keeper;
  pass.run(TokenBatch{&sequence, 1}, {}, loaded.plan.architecture.layers, &keeper);
  return keeper;
}

// The names of what disagrees, e.g. "layers.0.k", over all recorded sequences.
std::vector<std::string> disagreements(const std::string& folder, const TensorFile& expected) {
  LoadedFixture loaded(folder);
  std::vector<std::string> wrong;
  for (int s = 0; s < kSequences; ++s) {
    const std::string base = "sequence." + std::to_string(s) + ".";
    const Keeper kept = forward(loaded, recorded_integers(expected, base + "ids"));
    const auto check = [&](const std::string& name, const std::vector<float>& ours,
                           bool probabilities = false) {
      const std::vector<float> truth = recorded_floats(expected, base + name);
      if (!(probabilities ? probabilities_agree(ours, truth) : agrees(ours, truth))) wrong.push_back(name);
    };
    check("embeddings.hidden", kept.embeddings);
    for (size_t i = 0; i < kept.layers.size(); ++i) {
      const std::string layer = "layers." + std::to_string(i) + ".";
      const KeptLayer& ours = kept.layers[i];
      check(layer + "q", ours.q), check(layer + "k", ours.k), check(layer + "v", ours.v);
      check(layer + "logits", ours.logits), check(layer + "hidden", ours.hidden);
      check(layer + "probabilities", ours.probabilities, true);
    }
  }
  return wrong;
}

// A copy of a checkpoint whose tensors went through `change` (name, values).
using Change = std::function<void(std::map<std::string, std::vector<float>>&)>;

void write_changed(const std::string& from, const std::string& to, const Change& change) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  const TensorFile file = TensorFile::open(from + "/model.safetensors", true);
  std::map<std::string, std::vector<float>> values;
  std::vector<TensorSpec> specs;
  for (const TensorInfo& tensor : file.tensors()) {
    if (!is_float(tensor.dtype)) continue;
    values[tensor.name] = recorded_floats(file, tensor.name);
    specs.push_back({tensor.name, DType::kF32, tensor.shape});
  }
  change(values);
  SafetensorsWriter writer(to + "/model.safetensors", specs);
  for (size_t i = 0; i < specs.size(); ++i)
    writer.write(i, 0, std::span<const float>(values.at(specs[i].name)));
  writer.commit();
}

std::vector<std::string> disagreements_after(const Change& change) {
  const std::string original = fixture("bert/base-prefixless");
  const TemporaryFolder folder;
  write_changed(original, folder.path("changed"), change);
  return disagreements(folder.path("changed"), TensorFile::open(original + "/expected.safetensors", true));
}

const std::string kSelf = "encoder.layer.0.attention.self.";

}  // namespace

TEST_CASE("Every variant of BERT agrees with transformers in hidden states, q, k, v, logits and P") {
  const std::string variant =
      GENERATE(as<std::string>{}, "base-prefixless", "masked-lm", "gamma-beta", "gelu-new", "bf16");
  const std::string folder = fixture("bert/" + variant);
  INFO(variant);
  CHECK(disagreements(folder, TensorFile::open(folder + "/expected.safetensors", true)).empty());
}

TEST_CASE("An unchanged copy of a checkpoint still agrees") {
  CHECK(disagreements_after([](auto&) {}).empty());
}

TEST_CASE("Swapped queries and keys are found out") {
  const auto wrong = disagreements_after([](auto& v) {
    std::swap(v.at(kSelf + "query.weight"), v.at(kSelf + "key.weight"));
    std::swap(v.at(kSelf + "query.bias"), v.at(kSelf + "key.bias"));
  });
  CHECK(std::count(wrong.begin(), wrong.end(), "layers.0.q") == kSequences);
  CHECK(std::count(wrong.begin(), wrong.end(), "layers.0.probabilities") > 0);
}

TEST_CASE("Heads rolled by one are found out") {
  const auto wrong = disagreements_after([](auto& v) {
    constexpr int64_t kHeadRows = 16;  // d
    for (const char* part : {"query", "key", "value"}) {
      std::vector<float>& w = v.at(kSelf + part + ".weight");
      std::rotate(w.begin(), w.begin() + kHeadRows * 48, w.end());
    }
  });
  CHECK(std::count(wrong.begin(), wrong.end(), "layers.0.probabilities") == kSequences);
}

TEST_CASE("A dropped key bias is found out, though P cannot show it") {
  const auto wrong = disagreements_after([](auto& v) {
    std::vector<float>& bias = v.at(kSelf + "key.bias");
    std::fill(bias.begin(), bias.end(), 0.0f);
  });
  CHECK(std::count(wrong.begin(), wrong.end(), "layers.0.k") == kSequences);
  CHECK(std::count(wrong.begin(), wrong.end(), "layers.0.logits") == kSequences);
}

TEST_CASE("A dropped output bias is found out") {
  const auto wrong = disagreements_after([](auto& v) {
    std::vector<float>& bias = v.at("encoder.layer.0.output.dense.bias");
    std::fill(bias.begin(), bias.end(), 0.0f);
  });
  CHECK(std::count(wrong.begin(), wrong.end(), "layers.0.hidden") == kSequences);
}

TEST_CASE("Sequences run together give what each gives alone") {
  LoadedFixture loaded(fixture("bert/base-prefixless"));
  const std::vector<int32_t> a = {2, 11, 12, 13, 3}, b = {2, 40, 41, 42, 3};
  const std::span<const int32_t> both[] = {a, b};
  ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
  const std::vector<float> together = dense(pass.run(both, {}, 2, nullptr));
  std::vector<float> alone = dense(pass.run(TokenBatch{both, 1}, {}, 2, nullptr));
  const std::vector<float> second = dense(pass.run(TokenBatch{both + 1, 1}, {}, 2, nullptr));
  alone.insert(alone.end(), second.begin(), second.end());
  CHECK(agrees(together, alone));
}

TEST_CASE("An id outside the vocabulary is refused with the id in the message") {
  LoadedFixture loaded(fixture("bert/base-prefixless"));
  const std::vector<int32_t> ids = {2, 100, 3};
  const std::span<const int32_t> sequence(ids);
  ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
  const auto run = [&] { pass.run(TokenBatch{&sequence, 1}, {}, 1, nullptr); };
  CHECK(code_of(run) == static_cast<int>(ErrorCode::kInput));
  CHECK(contains(message_of(run), "100"));
}

TEST_CASE("The masked-LM loss is that of transformers") {
  const std::string folder = fixture("bert/masked-lm");
  LoadedFixture loaded(folder);
  const nlohmann::json recorded = parse_json(read_text(folder + "/loss.json"), "loss.json");
  const auto labels = recorded.at("labels").get<std::vector<int32_t>>();
  Prediction sequence{
      .ids = recorded.at("masked_ids").get<std::vector<int32_t>>(), .positions = {}, .labels = {}};
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) continue;
    sequence.positions.push_back(static_cast<int64_t>(i));
    sequence.labels.push_back(labels[i]);
  }
  const LanguageModelLoss loss = language_model_loss(loaded.model, {&sequence, 1}, loaded.run);
  CHECK(loss.loss == Approx(recorded.at("loss").get<double>()).epsilon(1e-5));
  CHECK(loss.predictions == static_cast<int64_t>(sequence.positions.size()));
}

TEST_CASE("The head's scores agree with transformers") {
  const std::string folder = fixture("bert/masked-lm");
  const TensorFile expected = TensorFile::open(folder + "/expected.safetensors", true);
  LoadedFixture loaded(folder);
  const std::vector<int64_t> recorded = recorded_integers(expected, "sequence.1.ids");
  const std::vector<int32_t> ids(recorded.begin(), recorded.end());
  const std::span<const int32_t> sequence(ids);
  ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
  LanguageModelHead head(loaded.model, loaded.run);
  const MatrixView<const float> hidden =
      pass.run(TokenBatch{&sequence, 1}, {}, loaded.plan.architecture.layers, nullptr);
  CHECK(agrees(dense(head.scores(hidden)), recorded_floats(expected, "sequence.1.prediction_logits")));
}

TEST_CASE("A model without a head cannot be asked for its loss") {
  LoadedFixture loaded(fixture("bert/base-prefixless"));
  CHECK(code_of([&] { LanguageModelHead(loaded.model, loaded.run); }) == static_cast<int>(ErrorCode::kUsage));
}

TEST_CASE("Masking hides 15 % of the ordinary tokens and repeats itself") {
  std::vector<int32_t> ids(20000);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(10 + i % 80);
  ids.front() = 2;
  const std::vector<int32_t> special = {2, 4};
  const Prediction masked = mask_sequence(ids, special, 4, 100, 7, 3);
  const auto count = static_cast<double>(masked.positions.size());
  CHECK(count / 20000 == Approx(0.15).margin(0.01));
  CHECK(masked.positions.front() > 0);
  int64_t hidden = 0, kept = 0;
  for (size_t i = 0; i < masked.positions.size(); ++i) {
    const auto at = static_cast<size_t>(masked.positions[i]);
    CHECK(masked.labels[i] == ids[at]);
    hidden += masked.ids[at] == 4;
    kept += masked.ids[at] == ids[at];
  }
  CHECK(static_cast<double>(hidden) / count == Approx(0.8).margin(0.03));
  CHECK(static_cast<double>(kept) / count == Approx(0.1).margin(0.03));
  CHECK(mask_sequence(ids, special, 4, 100, 7, 3).ids == masked.ids);
  CHECK(mask_sequence(ids, special, 4, 100, 7, 4).ids != masked.ids);
}

TEST_CASE("A model that is not supported is refused by name") {
  CHECK(code_of([] { plan_model(Checkpoint::open(fixture("bert/relative"), true)); }) ==
        static_cast<int>(ErrorCode::kUnsupported));
}

TEST_CASE("A config that does not fit its weights is refused, naming the key or the tensor") {
  const TemporaryFolder folder;
  const std::string to = folder.path("model");
  std::filesystem::copy(fixture("bert/base-prefixless"), to);
  nlohmann::json config = parse_json(read_text(to + "/config.json"), "config");
  const auto refused = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json changed = config;
    changed[key] = value;
    std::ofstream(to + "/config.json") << changed;
    return error_of([&] { plan_model(Checkpoint::open(to, true)); });
  };
  const auto check = [&](const char* key, const nlohmann::json& value, ErrorCode code, const char* named) {
    INFO(key);
    const auto error = refused(key, value);
    REQUIRE(error);
    CHECK(error->code() == code);
    CHECK(contains(error->what(), named));
  };
  check("num_attention_heads", 5, ErrorCode::kInput, "num_attention_heads");
  check("num_hidden_layers", 3, ErrorCode::kInput, "encoder.layer.2");
  check("num_hidden_layers", 2000000000, ErrorCode::kInput, "num_hidden_layers");
  check("num_hidden_layers", 0, ErrorCode::kInput, "num_hidden_layers");
  check("hidden_size", "wide", ErrorCode::kInput, "hidden_size");
  check("intermediate_size", 95, ErrorCode::kInput, "intermediate.dense");
  check("hidden_act", "mish", ErrorCode::kUnsupported, "mish");
  check("is_decoder", true, ErrorCode::kUnsupported, "is_decoder");
  check("model_type", "deberta", ErrorCode::kUnsupported, "deberta");
}

TEST_CASE("The plan of each variant uses every weight but the pooler and buffers") {
  const std::string variant = GENERATE(as<std::string>{}, "base-prefixless", "masked-lm", "gamma-beta");
  const Checkpoint checkpoint = Checkpoint::open(fixture("bert/" + variant), true);
  for (const std::string& name : unused_tensors(checkpoint, plan_model(checkpoint))) {
    INFO(name);
    const bool known =
        contains(name, "pooler") || contains(name, "position_ids") || contains(name, "seq_relationship");
    CHECK(known);
  }
}

TEST_CASE("An untrained model has the architecture's shapes, unit norms and small Gaussian weights") {
  const ModelPlan plan = plan_model(Checkpoint::open(fixture("bert/base-prefixless"), true));
  MemoryAccount memory;
  const Model a = Model::untrained(plan, 1, memory), b = Model::untrained(plan, 1, memory);
  const Model other = Model::untrained(plan, 2, memory);
  const LayerWeights& layer = a.layers().at(1);
  CHECK(layer.qkv.weight.rows == 3 * 48);
  CHECK(layer.attention_norm.weight[47] == 1.0f);
  CHECK(layer.ffn_in.bias[95] == 0.0f);
  double sum = 0, squares = 0;
  const MatrixView<const float> w = layer.ffn_in.weight;
  for (int64_t i = 0; i < w.rows * w.cols; ++i) sum += w.data[i], squares += w.data[i] * w.data[i];
  const auto n = static_cast<double>(w.rows * w.cols);
  CHECK(std::abs(sum / n) < 4 * 0.02 / std::sqrt(n));
  CHECK(std::sqrt(squares / n) == Approx(plan.architecture.init_deviation).epsilon(0.05));
  CHECK(b.layers()[1].qkv.weight.data[5] == layer.qkv.weight.data[5]);
  CHECK(other.layers()[1].qkv.weight.data[5] != layer.qkv.weight.data[5]);
}

TEST_CASE("MiniLM agrees with transformers at sampled entries") {
  const char* folder = std::getenv("LINFORMER_TEST_MINILM");
  if (folder == nullptr) {
    WARN("skipped: LINFORMER_TEST_MINILM names no checkpoint");
    return;
  }
  LoadedFixture loaded(folder);
  const TensorFile expected = TensorFile::open(fixture("minilm/expected.safetensors"), true);
  for (int s = 0; s < kSequences; ++s) {
    const std::string base = "sequence." + std::to_string(s) + ".";
    const Keeper kept = forward(loaded, recorded_integers(expected, base + "ids"));
    const auto check = [&](const std::string& name, const std::vector<float>& ours,
                           bool probabilities = false) {
      INFO(base << name);
      std::vector<float> sampled;
      for (int64_t i : recorded_integers(expected, base + name + ".indices"))
        sampled.push_back(ours[static_cast<size_t>(i)]);
      const std::vector<float> truth = recorded_floats(expected, base + name + ".values");
      CHECK((probabilities ? probabilities_agree(sampled, truth) : agrees(sampled, truth)));
    };
    check("embeddings.hidden", kept.embeddings);
    for (size_t i = 0; i < kept.layers.size(); ++i) {
      const std::string layer = "layers." + std::to_string(i) + ".";
      check(layer + "k", kept.layers[i].k), check(layer + "logits", kept.layers[i].logits);
      check(layer + "hidden", kept.layers[i].hidden);
      check(layer + "probabilities", kept.layers[i].probabilities, true);
    }
  }
}

}  // namespace linformer
