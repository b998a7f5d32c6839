// SPDX-License-Identifier: MIT
#include <filesystem>
#include <string>
#include <vector>

#include "catch.h"
#include "io/error_of.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "model/family.h"
#include "model/language_model.h"
#include "recorder.h"

namespace linformer {
namespace {

constexpr int kSequences = 2;

std::vector<std::string> variants() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(fixture("models"))) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Those that were recorded apart; one of none where the variant has but one.
std::vector<std::optional<Stack>> stacks_of(const std::string& variant) {
  const TensorFile expected = TensorFile::open(fixture("models/" + variant) + "/expected.safetensors", true);
  std::vector<std::optional<Stack>> stacks;
  for (const Stack stack : {Stack::kEncoder, Stack::kDecoder, Stack::kCross}) {
    const std::string name = "sequence.0." + std::string(name_of(stack)) + ".layers.0.q";
    if (expected.find(name) != nullptr) stacks.emplace_back(stack);
  }
  if (stacks.empty()) stacks.emplace_back();
  return stacks;
}

// What transformers recorded for a stack of a variant, beside what we compute.
class Comparison {
 public:
  explicit Comparison(
      const std::string& variant, std::optional<Stack> stack = {},
      const PlanChange& change = [](ModelPlan same) { return same; })
      : folder_(fixture("models/" + variant)),
        expected_(TensorFile::open(folder_ + "/expected.safetensors", true)),
        loaded_(folder_, stack, change) {
    if (!stack) return;
    attention_ = std::string(name_of(*stack)) + ".";
    states_ = stack == Stack::kCross ? "decoder." : attention_;
  }

  // The names of what disagrees, with the sequence's number before them.
  std::vector<std::string> disagreements() {
    for (int s = 0; s < kSequences; ++s) {
      base_ = "sequence." + std::to_string(s) + ".";
      compare_sequence();
    }
    return wrong_;
  }

  const Architecture& architecture() const { return loaded_.plan.architecture; }
  const ModelPlan& plan() const { return loaded_.plan; }

  LanguageModelLoss loss() {
    std::vector<Prediction> sequences;
    for (int s = 0; s < kSequences; ++s) {
      const std::vector<int32_t> read = ids("sequence." + std::to_string(s) + ".ids");
      sequences.push_back(plan().encoder ? predict_again(read, architecture().decoder_start_id)
                                         : predict_next(read));
    }
    return language_model_loss(loaded_.model, sequences, loaded_.run);
  }
  std::optional<double> recorded_loss() const {
    const auto found = expected_.metadata().find("loss");
    return found == expected_.metadata().end() ? std::nullopt : std::optional(std::stod(found->second));
  }

 private:
  std::vector<int32_t> ids(const std::string& name) const {
    const std::vector<int64_t> recorded = recorded_integers(expected_, name);
    return {recorded.begin(), recorded.end()};
  }

  // The recorded images as a file of `--inputs`.
  StoredImages images() {
    const ImageShape& shape = *architecture().image;
    std::vector<float> values;
    for (int s = 0; s < kSequences; ++s) {
      const std::vector<float> image =
          recorded_floats(expected_, "sequence." + std::to_string(s) + ".pixel_values");
      values.insert(values.end(), image.begin(), image.end());
    }
    const std::string path = put_tensors(
        made_,
        {made_floats("pixel_values", {kSequences, shape.channels, shape.height, shape.width}, values)});
    return {TensorFile::open(path, true), shape, 0};
  }

  void compare_sequence() {
    if (architecture().image) {
      const StoredImages stored = images();
      const std::vector<int64_t> image = {base_ == "sequence.0." ? 0 : 1};
      compare(ImageBatch{&stored, image});
    } else {
      compare_ids(ids(base_ + "ids"));
    }
  }

  void compare_ids(std::vector<int32_t> sequence) {
    if (!plan().encoder) {
      const std::span<const int32_t> view(sequence);
      return compare(TokenBatch{&view, 1});
    }
    const std::vector<int32_t> shifted = shifted_right(sequence, architecture().decoder_start_id);
    const std::span<const int32_t> view(sequence), decoded(shifted);
    const TokenBatch encoder_input{&view, 1};
    compare(TokenBatch{&decoded, 1}, &encoder_input);
  }

  void compare(const ModelInput& input, const TokenBatch* encoder_input = nullptr) {
    ForwardPass pass(loaded_.model, make_mechanism("standard"), loaded_.run);
    if (encoder_input != nullptr) pass.encode(*encoder_input);
    Keeper kept;
    const MatrixView<const float> hidden = pass.run(input, {}, architecture().layers, &kept);
    check(states_ + "embeddings.hidden", kept.embeddings);
    check(states_ + "final.hidden", dense(hidden));
    for (size_t i = 0; i < kept.layers.size(); ++i) {
      const std::string number = "layers." + std::to_string(i) + ".", layer = attention_ + number;
      const KeptLayer& ours = kept.layers[i];
      check(layer + "q", ours.q), check(layer + "k", ours.k), check(layer + "v", ours.v);
      check(layer + "logits", ours.logits);
      check(layer + "probabilities", ours.probabilities, true);
      const std::string states = states_ + number + "hidden";
      if (expected_.find(base_ + states) != nullptr) check(states, ours.hidden);
    }
    if (expected_.find(base_ + states_ + "prediction_logits") == nullptr) return;
    LanguageModelHead head(loaded_.model, loaded_.run);
    check(states_ + "prediction_logits", dense(head.scores(hidden)));
  }

  void check(const std::string& name, const std::vector<float>& ours, bool probabilities = false) {
    const std::vector<float> truth = recorded_floats(expected_, base_ + name);
    if (!(probabilities ? probabilities_agree(ours, truth) : agrees(ours, truth))) {
      wrong_.push_back(base_ + name);
    }
  }

  std::string folder_;
  TensorFile expected_;
  LoadedFixture loaded_;
  TemporaryFolder made_;
  std::string base_, attention_, states_;  ///< prefixes of the recorded names
  std::vector<std::string> wrong_;
};

}  // namespace

TEST_CASE("Every family agrees with transformers in hidden states, q, k, v, logits, P and predictions") {
  REQUIRE(variants().size() >= 26);
  for (const std::string& variant : variants()) {
    for (const std::optional<Stack> stack : stacks_of(variant)) {
      INFO(variant << " " << (stack ? name_of(*stack) : ""));
      CHECK(Comparison(variant, stack).disagreements() == std::vector<std::string>{});
    }
  }
}

TEST_CASE("What sets T5 apart is found out where it is missing") {
  const std::pair<const char*, std::function<void(ModelPlan&)>> mutants[] = {
      {"scaled", [](ModelPlan& p) { p.architecture.scale = 0.5f; }},
      {"another far distance", [](ModelPlan& p) { p.architecture.distance_buckets.far = 128; }},
      {"no bias in the last layer", [](ModelPlan& p) { p.layers.back().distance_bias = {}; }},
      {"another start token", [](ModelPlan& p) { p.architecture.decoder_start_id = 0; }},
      {"an encoder without its last norm",
       [](ModelPlan& p) {
         ModelPlan encoder = *p.encoder;
         encoder.final_norm = {};
         p.encoder = std::make_shared<const ModelPlan>(encoder);
       }},
      {"cross attention with queries and keys swapped",
       [](ModelPlan& p) { std::swap(p.layers[0].cross->query, p.layers[0].cross->key); }},
      {"keys and values swapped",
       [](ModelPlan& p) { std::swap(p.layers[0].cross->value, p.layers[0].cross->key); }},
      {"a head without scale", [](ModelPlan& p) { p.head->scale = 1; }}};
  for (const auto& mutant : mutants) {
    INFO(mutant.first);
    const auto change = [&](ModelPlan plan) {
      mutant.second(plan);
      return plan;
    };
    for (const Stack stack : {Stack::kDecoder, Stack::kCross}) {
      CHECK_FALSE(Comparison("t5", stack, change).disagreements().empty());
    }
  }
}

TEST_CASE("The loss of a causal language model or an encoder-decoder is that of transformers") {
  int compared = 0;
  for (const std::string& variant : variants()) {
    Comparison comparison(variant, stacks_of(variant).back());
    const std::optional<double> truth = comparison.recorded_loss();
    INFO(variant);
    if (!truth) continue;
    REQUIRE(comparison.plan().head.has_value());
    CHECK(comparison.architecture().causal);
    const LanguageModelLoss loss = comparison.loss();
    CHECK(loss.loss == Approx(*truth).epsilon(1e-5));
    CHECK(loss.predictions == 6 + 19 - (comparison.plan().encoder ? 0 : kSequences));
    ++compared;
  }
  CHECK(compared >= 8);
}

TEST_CASE("The plan of each variant uses every weight but poolers and other heads") {
  for (const std::string& variant : variants()) {
    const Checkpoint checkpoint = Checkpoint::open(fixture("models/" + variant), true);
    for (const std::string& name : unused_tensors(checkpoint, plan_model(checkpoint))) {
      INFO(variant << ": " << name);
      const bool of_a_head = contains(name, "pooler") || contains(name, "classifier");
      CHECK((of_a_head || name == "lm_head.bias"));
    }
  }
}

TEST_CASE("Layers that share their weights are loaded once") {
  LoadedFixture loaded(fixture("models/albert-lm"));
  CHECK(loaded.plan.architecture.layers == 8);
  CHECK(loaded.model.layers().size() == 4);
  CHECK(loaded.model.weights_of_layer(0) == loaded.model.weights_of_layer(2));
  CHECK(loaded.model.weights_of_layer(0) != loaded.model.weights_of_layer(1));
  CHECK(loaded.model.weights_of_layer(0) != loaded.model.weights_of_layer(4));
}

TEST_CASE("Positions of RoBERTa leave room for padding, those of Mistral end at its window") {
  CHECK(plan_model(Checkpoint::open(fixture("models/roberta"), true)).architecture.positions == 24 - 2);
  CHECK(plan_model(Checkpoint::open(fixture("models/xlm-roberta-lm"), true)).architecture.positions ==
        24 - 4);
  CHECK(plan_model(Checkpoint::open(fixture("models/mistral"), true)).architecture.positions == 20);
}

TEST_CASE("A model without its last layers can be loaded and run as far as it goes") {
  const std::string folder = fixture("models/llama");
  const Checkpoint checkpoint = Checkpoint::open(folder, true);
  ModelPlan plan = plan_model(checkpoint);
  LoadedFixture whole(folder);
  plan = without_later_layers(plan, {0});
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const Model part = Model::load(checkpoint, plan, memory);
  CHECK(memory.current_bytes() < whole.memory.current_bytes());
  for (const std::string& name : used_tensors(plan)) CHECK(name.find("layers.1.") == std::string::npos);
  CHECK(without_later_layers(plan_model(checkpoint), {}).layers.size() == 2);
  CHECK(without_later_layers(plan_model(checkpoint), {7}).layers.size() == 2);
  const std::vector<int32_t> ids = {5, 6, 7, 8};
  const std::span<const int32_t> sequence(ids);
  Keeper all, one;
  ForwardPass(whole.model, make_mechanism("standard"), whole.run).run(TokenBatch{&sequence, 1}, {}, 2, &all);
  ForwardPass(part, make_mechanism("standard"), run).run(TokenBatch{&sequence, 1}, {}, 1, &one);
  CHECK(one.layers.at(0).probabilities == all.layers.at(0).probabilities);
}

namespace {

// The error of planning a variant with one key of its config changed; null removes the key.
std::optional<Error> refusal(const std::string& variant, const char* key, const nlohmann::json& value) {
  const TemporaryFolder folder;
  const std::string to = folder.path("model");
  std::filesystem::copy(fixture("models/" + variant), to);
  nlohmann::json config = parse_json(read_text(to + "/config.json"), "config");
  config[key] = value;
  if (value.is_null()) config.erase(key);
  folder.put("model/config.json", config.dump());
  return error_of([&] { plan_model(Checkpoint::open(to, true)); });
}

void check_refused(const std::string& variant, const char* key, const nlohmann::json& value, ErrorCode code,
                   const char* named) {
  INFO(variant << ": " << key << " = " << value.dump());
  const auto error = refusal(variant, key, value);
  REQUIRE(error);
  CHECK(error->code() == code);
  CHECK(contains(error->what(), named));
}

}  // namespace

TEST_CASE("A config that changes the mathematics in a way without code is refused, naming the key") {
  check_refused("roberta", "position_embedding_type", "relative_key", ErrorCode::kUnsupported,
                "relative_key");
  check_refused("vit", "is_causal", true, ErrorCode::kUnsupported, "is_causal");
  check_refused("gpt2", "add_cross_attention", true, ErrorCode::kUnsupported, "add_cross_attention");
  check_refused("t5", "is_decoder", true, ErrorCode::kUnsupported, "is_decoder");
  check_refused("t5", "feed_forward_proj", "gated-mish", ErrorCode::kUnsupported, "feed_forward_proj");
  check_refused("t5", "is_gated_act", true, ErrorCode::kUnsupported, "is_gated_act");
  check_refused("t5", "dense_act_fn", "silu", ErrorCode::kUnsupported, "dense_act_fn");
  check_refused("llama", "hidden_act", "mish\u001b", ErrorCode::kUnsupported, "hidden_act");
  check_refused("llama", "rope_parameters", {{"rope_type", "yarn"}, {"rope_theta", 1e4}},
                ErrorCode::kUnsupported, "yarn");
  check_refused("llama", "rope_parameters", {{"full_attention", {{"rope_type", "default"}}}},
                ErrorCode::kUnsupported, "rope_parameters");
}

TEST_CASE("A config that lacks a number or has an impossible one is refused, naming the key") {
  check_refused("llama", "rope_parameters", {{"rope_type", "llama3"}, {"rope_theta", 1e4}}, ErrorCode::kInput,
                "factor");
  check_refused("llama", "rope_parameters", {{"rope_type", "linear"}, {"rope_theta", 1e4}}, ErrorCode::kInput,
                "factor");
  check_refused("llama", "num_key_value_heads", 3, ErrorCode::kInput, "num_key_value_heads");
  check_refused("gpt-neox", "rope_parameters", {{"rope_theta", 300}, {"partial_rotary_factor", 0.1}},
                ErrorCode::kInput, "rotary_pct");
  check_refused("t5", "relative_attention_num_buckets", 3, ErrorCode::kInput,
                "relative_attention_num_buckets");
  check_refused("t5", "relative_attention_max_distance", 4, ErrorCode::kInput,
                "relative_attention_max_distance");
  check_refused("t5", "decoder_start_token_id", 60, ErrorCode::kInput, "decoder_start_token_id");
  check_refused("t5", "num_decoder_layers", 1000, ErrorCode::kInput, "num_decoder_layers");
  check_refused("t5", "num_decoder_layers", 3, ErrorCode::kInput, "decoder.block.2");
  check_refused("t5", "d_kv", 7, ErrorCode::kInput, "SelfAttention.q");
  check_refused("roberta", "pad_token_id", 40, ErrorCode::kInput, "pad_token_id");
  check_refused("roberta", "layer_norm_eps", -1e-5, ErrorCode::kInput, "layer_norm_eps");
  for (const char* size : {"[12]", "[12, 0]", "[12, -4]", "[12, 12.5]", "[12, 12, 12]", "\"12\"", "0"}) {
    check_refused("vit", "image_size", parse_json(size, "size"), ErrorCode::kInput, "image_size");
  }
  check_refused("vit", "image_size", {int64_t{1} << 31, int64_t{1} << 31}, ErrorCode::kInput, "image_size");
  check_refused("vit", "patch_size", {4, 13}, ErrorCode::kInput, "patch_size");
  check_refused("vit", "num_channels", 2, ErrorCode::kInput, "projection.weight");
  check_refused("vit", "image_size", 24, ErrorCode::kInput, "position_embeddings");
  check_refused("deit", "model_type", "vit", ErrorCode::kInput, "position_embeddings");
}

TEST_CASE("ALBERT may have more layers than tensors, but not more groups or inner layers") {
  CHECK_FALSE(refusal("albert", "num_hidden_layers", 48));
  check_refused("albert", "inner_group_num", int64_t{1} << 31, ErrorCode::kInput, "num_hidden_layers");
  check_refused("albert", "num_hidden_layers", int64_t{1} << 31, ErrorCode::kInput, "num_hidden_layers");
  check_refused("albert-lm", "num_hidden_groups", 3, ErrorCode::kInput, "num_hidden_groups");
}

TEST_CASE("A sliding window bounds the length where it is used, 4096 where its size is not said") {
  const auto positions = [](const std::string& variant, const nlohmann::json& change) {
    const TemporaryFolder folder;
    const std::string to = folder.path("model");
    std::filesystem::copy(fixture("models/" + variant), to);
    nlohmann::json config = parse_json(read_text(to + "/config.json"), "config");
    config["max_position_embeddings"] = 10000;
    config.erase("sliding_window");
    config.update(change);
    folder.put("model/config.json", config.dump());
    return plan_model(Checkpoint::open(to, true)).architecture.positions;
  };
  CHECK(positions("mistral", nlohmann::json::object()) == 4096);
  CHECK(positions("mistral", {{"sliding_window", nullptr}}) == 10000);
  CHECK(positions("mistral", {{"sliding_window", 70}}) == 70);
  CHECK(positions("qwen2", nlohmann::json::object()) == 10000);
  CHECK(positions("qwen2", {{"use_sliding_window", true}}) == 4096);
  CHECK(positions("qwen2", {{"use_sliding_window", true}, {"sliding_window", 70}}) == 70);
}

}  // namespace linformer
