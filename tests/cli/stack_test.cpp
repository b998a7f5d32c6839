// SPDX-License-Identifier: MIT
// --stack: whose attention of a model with encoder and decoder.
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "io/error_of.h"
#include "io/file_bytes.h"
#include "io/temporary_folder.h"
#include "model/recorded.h"
#include "places.h"
#include "program.h"
#include "tensors.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

std::string model(const std::string& name) { return fixtures() + "/models/" + name; }

// Six documents of 12 ids below the fixtures' 60 and </s>.
std::string ids() {
  std::string lines;
  for (int document = 0; document < 6; ++document) {
    lines += "[";
    for (int i = 0; i < 12; ++i) lines += std::to_string(5 + (document * 7 + i * i * 3) % 50) + ", ";
    lines += "1]\n";
  }
  return lines;
}

class Stacks {
 public:
  Stacks() { folder_.put("ids.jsonl", ids()); }

  ProgramResult run(std::vector<std::string> arguments) const {
    return run_program(arguments, {.folder = folder_.path()});
  }
  Json report(const std::string& name, std::vector<std::string> more) const {
    more.insert(more.begin(), {"analyze-spectrum", "--checkpoint", model(name), "--ids", "ids.jsonl", "--out",
                               "r.json", "--quiet", "--force"});
    const ProgramResult result = run(more);
    INFO("stderr: " << result.err);
    REQUIRE(result.code == 0);
    return Json::parse(folder_.content("r.json"));
  }
  void refused(std::vector<std::string> arguments, int code, const std::vector<std::string>& parts) const {
    const ProgramResult result = run(arguments);
    INFO("stderr: " << result.err);
    CHECK(result.code == code);
    for (const std::string& part : parts) CHECK(contains(result.err, part));
  }

  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
};

TEST_CASE("the report of each stack says which it is, and they are different analyses") {
  const Stacks stacks;
  std::vector<std::string> identities;
  for (const std::string stack : {"encoder", "decoder", "cross"}) {
    CAPTURE(stack);
    const Json report = stacks.report("t5-gated", {"--stack", stack, "--control", "matched,init"});
    CHECK(report.at("method").at("stack") == stack);
    CHECK(report.at("input").at("architecture").at("stack") == stack);
    CHECK(report.at("input").at("architecture").at("positions").is_null());
    CHECK(report.at("results").at("causal") == (stack == "decoder"));
    CHECK(report.at("results").at("layers").size() == (stack == "encoder" ? 2 : 1));
    CHECK(report.at("results").at("length") == 13);
    CHECK(report.at("checks").at("passed") == true);
    identities.push_back(report.at("identity"));
  }
  CHECK(identities[0] != identities[1]);
  CHECK(identities[1] != identities[2]);
  CHECK(stacks.report("t5-gated", {"--control", "matched,init"}).at("identity") == identities[0]);
}

TEST_CASE("the table names the stack of a model that has several, and causal controls are for its decoder") {
  const Stacks stacks;
  const auto table = [&](const std::string& stack) {
    return stacks.run({"analyze-spectrum", "--checkpoint", model("mt5"), "--ids", "ids.jsonl", "--stack",
                       stack, "--control", "permuted", "--out", stack + ".json"});
  };
  CHECK(contains(table("cross").out, "mt5, stack cross, 2 layers x 3 heads, d = 6: "));
  CHECK(contains(table("decoder").out, "mt5, stack decoder, 2 layers x 3 heads, d = 6, causal: "));
  CHECK(contains(table("encoder").out, "mt5, stack encoder, 1 layer x 3 heads, d = 6: "));
  CHECK(
      stacks.report("mt5", {"--stack", "decoder", "--control", "causal-uniform"}).at("checks").at("passed") ==
      true);
  stacks.refused({"analyze-spectrum", "--checkpoint", model("mt5"), "--ids", "ids.jsonl", "--stack", "cross",
                  "--control", "causal-uniform", "--out", "x.json"},
                 2, {"causal-uniform"});
}

TEST_CASE("attention writes the maps of the stack that is asked for, and layers count in it") {
  const Stacks stacks;
  const auto write = [&](const std::string& stack, const std::string& layers) {
    const ProgramResult result = stacks.run({"attention", "--checkpoint", model("mt5"), "--ids", "ids.jsonl",
                                             "--stack", stack, "--layers", layers, "--save",
                                             "probabilities,q,k,hidden", "--out", stack + ".safetensors"});
    INFO("stderr: " << result.err);
    REQUIRE(result.code == 0);
    return TensorFile::open(stacks.folder().path(stack + ".safetensors"), false);
  };
  const TensorFile decoder = write("decoder", "1"), cross = write("cross", "1"),
                   encoder = write("encoder", "0");
  CHECK(decoder.metadata().at("causal") == "true");
  CHECK(cross.metadata().at("causal") == "false");
  CHECK(floats_of(decoder, "layers.1.probabilities").at(1) == 0);
  CHECK(floats_of(cross, "layers.1.probabilities").at(1) > 0);
  // Attention that is not watched is computed in another order.
  CHECK(agrees(floats_of(decoder, "final.hidden"), floats_of(cross, "final.hidden")));
  CHECK(floats_of(decoder, "embeddings.hidden") != floats_of(encoder, "embeddings.hidden"));
  stacks.refused({"attention", "--checkpoint", model("mt5"), "--ids", "ids.jsonl", "--stack", "encoder",
                  "--layers", "1", "--out", "x.safetensors"},
                 2, {"--layers", "0 to 0"});
}

TEST_CASE(
    "queries and keys without the bias that belongs to them are not read back, those of cross attention "
    "are") {
  const Stacks stacks;
  for (const std::string stack : {"encoder", "cross"}) {
    CHECK(stacks
              .run({"attention", "--checkpoint", model("t5"), "--ids", "ids.jsonl", "--stack", stack,
                    "--save", "q,k", "--out", stack + ".safetensors"})
              .code == 0);
  }
  stacks.refused({"analyze-spectrum", "--qk", "encoder.safetensors", "--out", "x.json"}, 4,
                 {"encoder.safetensors", "bias by position", "--probabilities"});
  const auto rank = [](const Json& report) {
    return report.at("results")
        .at("series")
        .at(0)
        .at("model")
        .at("statistics")
        .at("effective_rank")
        .at("mean");
  };
  REQUIRE(stacks.run({"analyze-spectrum", "--qk", "cross.safetensors", "--out", "x.json", "--quiet"}).code ==
          0);
  const Json read = Json::parse(stacks.folder().content("x.json"));
  const double direct = rank(stacks.report("t5", {"--stack", "cross"}));
  CHECK(std::abs(rank(read).get<double>() - direct) < 1e-5);
  CHECK(read.at("method").at("stack").is_null());
}

TEST_CASE("a stack that the model has not, or a file of tensors, is exit 2 with the reason") {
  const Stacks stacks;
  for (const std::string stack : {"decoder", "cross"}) {
    for (const std::string command : {"analyze-spectrum", "attention"}) {
      stacks.refused({command, "--checkpoint", model("t5-encoder"), "--ids", "ids.jsonl", "--stack", stack,
                      "--out", "x"},
                     2, {"--stack", stack, "no decoder"});
    }
    stacks.refused({"info", model("t5-encoder"), "--stack", stack}, 2, {"--stack", stack, "no decoder"});
  }
  stacks.refused({"info", model("gpt2"), "--stack", "encoder"}, 2, {"--stack", "no encoder"});
  stacks.refused({"analyze-spectrum", "--qk", "a.safetensors", "--stack", "cross"}, 2, {"--stack"});
  stacks.refused({"info", model("t5"), "--stack", "both"}, 2, {"--stack", "encoder", "decoder", "cross"});
}

TEST_CASE(
    "info tells both stacks, one if it is asked for, and the loss of copying with what guessing would have") {
  const Stacks stacks;
  const auto info = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"info", "--format", "json"});
    const ProgramResult result = stacks.run(more);
    INFO("stderr: " << result.err);
    REQUIRE(result.code == 0);
    return Json::parse(result.out);
  };
  const Json both = info({model("t5-gated"), "--check", "--ids", "ids.jsonl"});
  CHECK(both.at("architecture").at("stack") == "encoder");
  CHECK(both.at("architecture").at("layers") == 2);
  CHECK(both.at("decoder").at("stack") == "decoder");
  CHECK(both.at("decoder").at("layers") == 1);
  CHECK(both.at("unused_tensors").empty());
  const Json& check = both.at("check");
  CHECK(check.at("predictions") == 6 * 13);
  CHECK(check.at("copy_loss_nats").get<double>() > 0);
  CHECK(check.at("guessing_loss_nats").get<double>() == Approx(std::log(60.0)));
  CHECK(contains(check.at("meaning").get<std::string>(), "no sentinels"));
  CHECK(info({model("t5-gated"), "--stack", "decoder", "--check", "--ids", "ids.jsonl"}).at("check") ==
        check);
  const Json encoder = info({model("t5-gated"), "--stack", "encoder"});
  CHECK(encoder.at("language_model_head") == false);
  CHECK_FALSE(encoder.contains("decoder"));
  for (const std::string name : {"t5-gated", "t5-encoder"}) {
    stacks.refused({"info", model(name), "--stack", "encoder", "--check", "--ids", "ids.jsonl"}, 2,
                   {"--check", "no language-model head"});
  }
}

// A T5 with the tokenizer of the fixtures, whose vocabulary is larger than the fixtures' models: rows of the
// embeddings are repeated.
void put_model_with_tokenizer(const TemporaryFolder& folder, int64_t vocabulary = 600) {
  const TensorFile from = TensorFile::open(model("t5") + "/model.safetensors", false);
  std::vector<TensorSpec> specs;
  for (const TensorInfo& tensor : from.tensors()) {
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
    if (tensor.name == "shared.weight") specs.back().shape[0] = vocabulary;
  }
  folder.put("t5/spiece.model", read_text(fixtures() + "/subwords/t5/spiece.model"));
  SafetensorsWriter writer(folder.path("t5/model.safetensors"), specs);
  for (size_t i = 0; i < specs.size(); ++i) {
    const std::vector<float> once = floats_of(from, specs[i].name);
    std::vector<float> values;
    while (std::ssize(values) < element_count(specs[i].shape))
      values.insert(values.end(), once.begin(), once.end());
    values.resize(static_cast<size_t>(element_count(specs[i].shape).value()));
    writer.write(i, 0, std::span<const float>(values));
  }
  writer.commit();
  Json config = Json::parse(read_text(model("t5") + "/config.json"));
  config["vocab_size"] = vocabulary;
  folder.put("t5/config.json", config.dump());
}

TEST_CASE(
    "a T5 with its tokenizer is checked by the spans that it fills in, and special tokens can be dropped") {
  const Stacks stacks;
  std::filesystem::create_directory(stacks.folder().path("t5"));
  put_model_with_tokenizer(stacks.folder());
  stacks.folder().put("a.txt",
                      "The quick brown fox jumps over the lazy dog, and then it sleeps for the night.");
  const std::vector<std::string> input = {"--checkpoint", "t5", "--text", "a.txt", "--length", "12"};
  const auto with = [&](std::vector<std::string> command, const std::vector<std::string>& more) {
    command.insert(command.end(), input.begin(), input.end());
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  const ProgramResult checked = stacks.run(with({"info", "--check", "--format", "json"}, {}));
  INFO("stderr: " << checked.err);
  REQUIRE(checked.code == 0);
  const Json check = Json::parse(checked.out).at("check");
  // 11 ids and </s>: 2 in one span, its sentinel, the last sentinel and </s>.
  CHECK(check.at("predictions").get<int64_t>() == 5 * check.at("sequences").get<int64_t>());
  CHECK(check.at("span_corruption_loss_nats").get<double>() > 0);
  CHECK(contains(check.at("meaning").get<std::string>(), "far below guessing"));
  for (const std::string stack : {"encoder", "decoder"}) {
    const ProgramResult dropped = stacks.run(
        with({"analyze-spectrum"}, {"--stack", stack, "--drop-special-tokens", "--out", "d.json"}));
    INFO(stack << " stderr: " << dropped.err);
    REQUIRE(dropped.code == 0);
    CHECK(Json::parse(stacks.folder().content("d.json")).at("results").at("length") == 11);
  }
  stacks.refused(with({"analyze-spectrum"}, {"--stack", "cross", "--drop-special-tokens", "--out", "c.json"}),
                 2, {"--drop-special-tokens", "cross"});
}

TEST_CASE("Sentinels that a T5 has no embedding of are none, and the check copies") {
  const Stacks stacks;
  std::filesystem::create_directory(stacks.folder().path("t5"));
  const auto ids_of = [&](const std::string& text) {
    stacks.folder().put("one.txt", text);
    const ProgramResult result =
        stacks.run({"tokenize", "--checkpoint", "t5", "--text", "one.txt", "--no-special-tokens"});
    return Json::parse(result.out).at("ids").get<std::vector<int64_t>>();
  };
  put_model_with_tokenizer(stacks.folder());
  const int64_t sentinel = ids_of("<extra_id_0>").at(0);
  put_model_with_tokenizer(stacks.folder(), sentinel);
  std::string ids = "[";
  for (int i = 0; i < 20; ++i) ids += std::to_string(10 + i) + ",";
  stacks.folder().put("ids.jsonl", ids + "1]\n");
  const ProgramResult checked =
      stacks.run({"info", "--check", "--checkpoint", "t5", "--ids", "ids.jsonl", "--format", "json"});
  INFO(checked.err);
  REQUIRE(checked.code == 0);
  const Json check = Json::parse(checked.out).at("check");
  CHECK(check.contains("copy_loss_nats"));
  CHECK(check.at("copy_loss_nats").get<double>() < 1000);
}

TEST_CASE("a T5 runs beyond the positions that its config names, as far as memory goes") {
  const Stacks stacks;
  std::string line = "[5";
  for (int i = 0; i < 699; ++i) line += ", " + std::to_string(5 + i % 50);
  stacks.folder().put("long.jsonl", line + "]\n");
  const std::vector<std::string> command = {"attention",  "--checkpoint", model("t5"),    "--ids",
                                            "long.jsonl", "--out",        "p.safetensors"};
  CHECK(stacks.run(command).code == 0);
  std::vector<std::string> small = command;
  small.insert(small.end(), {"--memory", "1MB"});
  stacks.refused(small, 5, {"--memory", "forward pass"});
}

}  // namespace
}  // namespace linformer
