// SPDX-License-Identifier: MIT
#include <cmath>
#include <filesystem>

#include "catch.h"
#include "io/error_of.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "model/distance_bias.h"
#include "model/family.h"
#include "model/language_model.h"
#include "recorder.h"

namespace linformer {
namespace {

using Indices = std::vector<int64_t>;

const std::vector<TokenSequence> kSequences = {{.document = 0, .ids = {12, 11, 14, 13, 40, 9, 9, 1}},
                                               {.document = 1, .ids = {7, 8, 9, 10, 11, 12, 13, 1}}};

ModelPlan plan_of(const std::string& variant) {
  return plan_model(Checkpoint::open(fixture("models/" + variant), true));
}

// The plan with keys of the config changed; null removes one.
ModelPlan changed(const std::string& variant, const nlohmann::json& changes) {
  const TemporaryFolder folder;
  const std::string to = folder.path("model");
  std::filesystem::copy(fixture("models/" + variant), to);
  nlohmann::json config = parse_json(read_text(to + "/config.json"), "config");
  config.merge_patch(changes);
  folder.put("model/config.json", config.dump());
  return plan_model(Checkpoint::open(to, true));
}

double deviation(MatrixView<const float> weight) {
  double squares = 0;
  for (int64_t i = 0; i < weight.rows; ++i) {
    for (int64_t j = 0; j < weight.cols; ++j) squares += weight.row(i)[j] * weight.row(i)[j];
  }
  return std::sqrt(squares / static_cast<double>(weight.rows * weight.cols));
}

Recorder recorded(LoadedFixture& loaded, int64_t layers) {
  const auto source = make_model_source(loaded.model, kSequences, {}, loaded.run);
  Recorder recorder;
  const Indices both = {0, 1};
  source->run(both, layers, recorder);
  return recorder;
}

}  // namespace

TEST_CASE("Distances fall into the buckets of transformers, near and far, before and after the query") {
  const nlohmann::json cases = parse_json(read_text(fixture("t5/buckets.json")), "buckets.json");
  REQUIRE(cases.size() == 10);
  for (const nlohmann::json& one : cases) {
    const DistanceBuckets buckets{.count = one.at("count").get<int64_t>(),
                                  .far = one.at("far").get<int64_t>()};
    Indices ours;
    for (int64_t i = 0; i < std::ssize(one.at("buckets")); ++i) {
      ours.push_back(
          distance_bucket(one.at("first").get<int64_t>() + i, buckets, one.at("causal").get<bool>()));
    }
    INFO(buckets.count << " buckets up to " << buckets.far);
    CHECK(ours == one.at("buckets").get<Indices>());
  }
}

TEST_CASE("Biases by distance are laid out from the last query's first key to the first query's last key") {
  const std::vector<float> table = {0, 100, 1, 101, 2, 102, 3, 103};  // [4 buckets, 2 heads]
  std::vector<float> out(2 * 5);
  fill_distance_bias({table.data(), 4, 2, 2}, {.count = 4, .far = 4}, false, 3, out.data());
  CHECK(out == std::vector<float>{1, 1, 0, 3, 3, 101, 101, 100, 103, 103});
}

TEST_CASE(
    "The plan of an encoder-decoder is cut down to the stack that is asked for, the encoder by default") {
  const ModelPlan whole = plan_of("t5-gated");
  REQUIRE(whole.encoder);
  CHECK(whole.architecture.layers == 1);
  CHECK(whole.architecture.hides_later_keys());
  for (const std::optional<Stack> stack : {std::optional<Stack>(), std::optional(Stack::kEncoder)}) {
    const ModelPlan encoder = select_stack(whole, stack);
    CHECK(encoder.architecture.stack() == Stack::kEncoder);
    CHECK(encoder.architecture.layers == 2);
    CHECK_FALSE(encoder.head);
    for (const std::string& name : used_tensors(encoder)) CHECK_FALSE(contains(name, "decoder."));
  }
  const ModelPlan cross = select_stack(whole, Stack::kCross);
  CHECK(cross.architecture.stack() == Stack::kCross);
  CHECK_FALSE(cross.architecture.hides_later_keys());
  CHECK(used_tensors(cross) == used_tensors(select_stack(whole, Stack::kDecoder)));
}

TEST_CASE("A stack that a model has not is a usage error that says why") {
  const auto refused = [](const std::string& variant, Stack stack, const char* why) {
    const auto error = error_of([&] { select_stack(plan_of(variant), stack); });
    INFO(variant << " " << name_of(stack));
    REQUIRE(error);
    CHECK(error->code() == ErrorCode::kUsage);
    CHECK(contains(error->what(), "--stack"));
    CHECK(contains(error->what(), why));
  };
  refused("t5-encoder", Stack::kDecoder, "no decoder");
  refused("t5-encoder", Stack::kCross, "no decoder");
  refused("roberta", Stack::kDecoder, "no decoder");
  refused("gpt2", Stack::kEncoder, "no encoder");
  refused("gpt2", Stack::kCross, "no encoder");
  CHECK(select_stack(plan_of("gpt2"), Stack::kDecoder).architecture.causal);
  CHECK(select_stack(plan_of("roberta"), Stack::kEncoder).layers.size() == 2);
}

TEST_CASE("Scores are scaled, and the head is the embedding's, as versions of T5 and transformers have it") {
  const float scale = 1 / std::sqrt(20.0f);
  const auto words = [](const ModelPlan& plan) { return plan.head->decoder.weight.name == "shared.weight"; };
  CHECK(plan_of("t5").head->scale == scale);
  CHECK(words(plan_of("t5")));
  CHECK(changed("t5", {{"scale_decoder_outputs", nullptr}, {"tie_word_embeddings", nullptr}}).head->scale ==
        scale);
  CHECK(changed("t5", {{"scale_decoder_outputs", false}}).head->scale == 1);
  CHECK(plan_of("t5-gated").head->scale == 1);
  CHECK(plan_of("t5-gated").head->decoder.weight.name == "lm_head.weight");
  CHECK_FALSE(changed("t5", {{"tie_word_embeddings", false}}).head);
  CHECK(plan_of("mt5").head->scale == 1);
  CHECK(changed("umt5", {{"tie_word_embeddings", nullptr}}).head->scale == scale);
}

TEST_CASE("What old configs of T5 leave out has T5's values") {
  const ModelPlan plan = changed("t5-gated", {{"relative_attention_num_buckets", nullptr},
                                              {"decoder_start_token_id", nullptr},
                                              {"pad_token_id", 3},
                                              {"layer_norm_epsilon", nullptr}});
  CHECK(plan.architecture.distance_buckets.count == 32);
  CHECK(plan.architecture.distance_buckets.far == 128);
  CHECK(plan.architecture.decoder_start_id == 3);
  CHECK(plan.architecture.norm_epsilon == 1e-6f);
  CHECK(plan.architecture.positions == kAnyLength);
  CHECK(changed("t5", {{"num_decoder_layers", nullptr}}).layers.size() == 2);
  CHECK(changed("t5", {{"feed_forward_proj", "gelu"}, {"dense_act_fn", nullptr}}).architecture.activation ==
        Activation::kGelu);
}

TEST_CASE(
    "The embeddings that encoder and decoder share are loaded once, and nothing is read for the other "
    "stack") {
  LoadedFixture encoder(fixture("models/t5"), Stack::kEncoder),
      decoder(fixture("models/t5"), Stack::kDecoder);
  REQUIRE(decoder.model.encoder() != nullptr);
  CHECK(decoder.model.embeddings().words.data == decoder.model.encoder()->embeddings().words.data);
  CHECK(decoder.model.head()->decoder.weight.data == decoder.model.embeddings().words.data);
  CHECK(decoder.model.layers()[0].distance_bias.data == decoder.model.layers()[1].distance_bias.data);
  CHECK(encoder.model.encoder() == nullptr);
  CHECK(encoder.memory.current_bytes() < decoder.memory.current_bytes() / 2);
  LoadedFixture umt5(fixture("models/umt5"));
  CHECK(umt5.model.layers()[0].distance_bias.data != umt5.model.layers()[1].distance_bias.data);
}

TEST_CASE("A decoder without its last layers keeps its encoder and shows the same") {
  const Stack stack = GENERATE(Stack::kDecoder, Stack::kCross);
  LoadedFixture whole(fixture("models/t5"), stack);
  const ModelPlan plan = without_later_layers(whole.plan, {0});
  CHECK(plan.layers.size() == 1);
  CHECK(plan.encoder->layers.size() == 2);
  MemoryAccount memory;
  Run run{.memory = memory, .threads = 2};
  const Model part = Model::load(whole.checkpoint, plan, memory);
  const auto source = make_model_source(part, kSequences, {}, run);
  Recorder recorder;
  const Indices both = {0, 1};
  source->run(both, 1, recorder);
  CHECK(recorder.at(0, 1).probabilities == recorded(whole, 2).at(0, 1).probabilities);
}

TEST_CASE("What the source of a stack tells and shows: decoders are causal, cross attention is not") {
  LoadedFixture decoder(fixture("models/t5"), Stack::kDecoder), cross(fixture("models/t5"), Stack::kCross);
  const auto of_decoder = make_model_source(decoder.model, kSequences, {}, decoder.run);
  const auto of_cross = make_model_source(cross.model, kSequences, {}, cross.run);
  CHECK(of_decoder->facts().causal);
  CHECK_FALSE(of_cross->facts().causal);
  CHECK(of_cross->facts().scales == std::vector<double>{1, 1});
  const Recorder a = recorded(decoder, 2), b = recorded(cross, 2);
  CHECK(agrees(a.at(1, 0).hidden, b.at(1, 0).hidden));
  CHECK(a.at(0, 0).probabilities.at(1) == 0);
  CHECK(b.at(0, 0).probabilities.at(1) > 0);
}

TEST_CASE("The decoder may read a sequence of another length than the encoder, longer or shorter") {
  const std::string variant = GENERATE(as<std::string>{}, "t5", "t5-gated", "mt5", "umt5");
  LoadedFixture loaded(fixture("models/" + variant), Stack::kCross);
  const TensorFile expected = TensorFile::open(fixture("models/" + variant) + "/expected.safetensors", true);
  const auto ids = [&](const char* name) {
    const Indices recorded_ids = recorded_integers(expected, name);
    return std::vector<int32_t>(recorded_ids.begin(), recorded_ids.end());
  };
  const std::vector<int32_t> read = ids("sequence.1.ids");
  const std::vector<int32_t> written =
      shifted_right(ids("sequence.0.ids"), loaded.plan.architecture.decoder_start_id);
  const std::span<const int32_t> encoder(read), decoder(written);
  ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
  Keeper kept;
  pass.encode(TokenBatch{&decoder, 1});  // the other way round first: buffers grow and are used again
  pass.run(TokenBatch{&encoder, 1}, {}, 1, nullptr);
  pass.encode(TokenBatch{&encoder, 1});
  const MatrixView<const float> hidden =
      pass.run(TokenBatch{&decoder, 1}, {}, loaded.plan.architecture.layers, &kept);
  LanguageModelHead head(loaded.model, loaded.run);
  CHECK(agrees(dense(head.scores(hidden)), recorded_floats(expected, "uneven.prediction_logits")));
  const auto heads = static_cast<size_t>(loaded.plan.architecture.heads);
  CHECK(kept.layers[0].probabilities.size() == heads * written.size() * read.size());
}

TEST_CASE("A decoder that was given nothing by its encoder is an internal error") {
  LoadedFixture loaded(fixture("models/t5"), Stack::kDecoder);
  const std::span<const int32_t> ids(kSequences[0].ids);
  ForwardPass pass(loaded.model, make_mechanism("standard"), loaded.run);
  const auto error = error_of([&] { pass.run(TokenBatch{&ids, 1}, {}, 2, nullptr); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::kInternal);
}

TEST_CASE("Each sequence's decoder reads its own encoder in a batch") {
  const Stack stack = GENERATE(Stack::kDecoder, Stack::kCross);
  LoadedFixture loaded(fixture("models/mt5"), stack);
  const Recorder together = recorded(loaded, 2);
  const auto source = make_model_source(loaded.model, kSequences, {}, loaded.run);
  Recorder apart;
  for (const int64_t i : {0, 1}) source->run({&i, 1}, 2, apart);
  for (const int64_t i : {0, 1}) {
    CHECK(agrees(together.at(1, i).hidden, apart.at(1, i).hidden));
    CHECK(probabilities_agree(together.at(1, i).probabilities, apart.at(1, i).probabilities));
    CHECK(agrees(together.at(1, i).v, apart.at(1, i).v));
  }
}

TEST_CASE("An encoder-decoder takes just the bytes that were announced") {
  const Stack stack = GENERATE(Stack::kEncoder, Stack::kDecoder, Stack::kCross);
  for (const bool maps : {false, true}) {
    LoadedFixture loaded(fixture("models/t5"), stack);
    const LayerWants wants{.logits = maps, .probabilities = maps, .row_stride = maps ? 16 : 0};
    const int64_t weights = loaded.memory.current_bytes();
    const auto source = make_model_source(loaded.model, kSequences, {}, loaded.run);
    const int64_t announced = source->buffer_bytes(2, source->facts().sizes[0], wants);
    CHECK(loaded.memory.current_bytes() == weights);
    Recorder recorder(wants);
    const Indices both = {0, 1};
    source->run(both, 2, recorder);
    INFO(name_of(stack) << (maps ? " with" : " without") << " maps");
    CHECK(loaded.memory.peak_bytes() - weights == announced);
    CHECK(source->buffer_bytes(2, source->facts().sizes[0], wants) == announced);
  }
}

TEST_CASE("An untrained T5 has T5's deviations: q carries the scale that P lacks") {
  const ModelPlan plan = changed("t5", {{"initializer_factor", 2.0}});
  MemoryAccount memory;
  const Model model = Model::untrained(plan, 5, memory);
  const double d_model = 20, d_kv = 6, inner = 18, d_ff = 28, factor = 2;
  const LayerWeights& layer = model.layers()[1];
  const auto rows = [](MatrixView<const float> m, int64_t first, int64_t count) {
    return MatrixView<const float>{m.row(first), count, m.cols, m.stride};
  };
  const auto near = [&](double squared) { return Approx(factor * std::sqrt(squared)).epsilon(0.15); };
  CHECK(deviation(rows(layer.qkv.weight, 0, 18)) == near(1 / (d_model * d_kv)));
  CHECK(deviation(rows(layer.qkv.weight, 18, 36)) == near(1 / d_model));
  CHECK(deviation(layer.attention_output.weight) == near(1 / inner));
  CHECK(deviation(layer.cross->query.weight) == near(1 / (d_model * d_kv)));
  CHECK(deviation(layer.cross->key_value.weight) == near(1 / d_model));
  CHECK(deviation(layer.ffn_in.weight) == near(1 / d_model));
  CHECK(deviation(layer.ffn_out.weight) == near(1 / d_ff));
  CHECK(deviation(model.embeddings().words) == near(1));
  CHECK(deviation(layer.distance_bias) == Approx(factor / std::sqrt(d_model)).epsilon(0.4));  // 24 numbers
  CHECK(layer.cross->norm.weight[3] == 2.0f);
  REQUIRE(model.encoder() != nullptr);
  CHECK(model.encoder()->embeddings().words.data == model.embeddings().words.data);
  CHECK(model.encoder()->layers()[1].qkv.weight.row(0)[0] != layer.qkv.weight.row(0)[0]);
  CHECK_FALSE(model.head());
}

}  // namespace linformer
