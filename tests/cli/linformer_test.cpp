// SPDX-License-Identifier: MIT
// Checkpoints of Linformers, as a user meets them.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

std::string weights(const std::string& variant, const char* file = "model.pt") {
  return fixtures() + "/linformers/" + variant + "/" + file;
}

// Sequences of this length with ids below 50, a document each.
std::string ids(int64_t sequences, int64_t length) {
  std::string text;
  for (int64_t s = 0; s < sequences; ++s) {
    Json list = Json::array();
    for (int64_t i = 0; i < length; ++i) list.push_back(4 + (s * 7 + i * i) % 46);
    text += list.dump() + "\n";
  }
  return text;
}

ProgramResult run(const std::vector<std::string>& arguments, const TemporaryFolder& folder) {
  return run_program(arguments, {.folder = folder.path()});
}

}  // namespace

TEST_CASE(
    "info says of a Linformer how many slots, what shares E and F, the order, and what it cannot know") {
  const TemporaryFolder folder;
  const ProgramResult result = run({"info", weights("tatp22-kv"), "--format", "json"}, folder);
  REQUIRE(result.code == 0);
  const Json facts = Json::parse(result.out), &a = facts.at("architecture");
  CHECK(a.at("family") == "linformer, tatp22");
  CHECK(a.at("slots") == Json{6, 4});
  CHECK(a.at("sharing") == "key-value");
  CHECK(a.at("projection") == "matrix");
  CHECK(a.at("projection_order") == "after weights");
  CHECK(a.at("projection_bias") == true);
  CHECK(a.at("short_inputs") == "refused");
  CHECK(facts.at("language_model_head") == true);
  REQUIRE(facts.at("notes").size() == 2);
  CHECK(contains(facts.at("notes")[0].get<std::string>(), "full_attention"));
  const ProgramResult table = run({"info", weights("fairseq")}, folder);
  CHECK(table.code == 0);
  CHECK(contains(table.out, "before weights"));
  CHECK(contains(table.out, "headwise"));
  CHECK(contains(table.out, "embedded as zeros"));
}

TEST_CASE("heads that the weights do not tell are asked for, and taken from config.json") {
  const TemporaryFolder folder;
  std::filesystem::copy(weights("lucidrains"), folder.path("model.pt"));
  const ProgramResult missing = run({"info", "model.pt"}, folder);
  CHECK(missing.code == 3);
  CHECK(contains(missing.err, "\"heads\""));
  folder.put("config.json", R"({"heads": 2})");
  const ProgramResult told = run({"info", "model.pt", "--format", "json"}, folder);
  REQUIRE(told.code == 0);
  CHECK(Json::parse(told.out).at("architecture").at("head_size") == 12);
}

TEST_CASE("the spectrum of a Linformer is taken over its slots, with all controls, and verified") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids(5, 20));
  const ProgramResult result =
      run({"analyze-spectrum", "--checkpoint", weights("lucidrains"), "--ids", "ids.jsonl", "--control",
           "matched,permuted,init", "--verify", "1", "--spectra", "s.safetensors", "--out", "r.json"},
          folder);
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.out, "5 sequences of 20 tokens over 6 slots"));
  CHECK(contains(result.out, "of 6 singular values"));
  const Json report = Json::parse(folder.content("r.json"));
  CHECK(report.at("input").at("architecture").at("slots") == Json{6, 6});
  CHECK(report.at("checks").at("passed") == true);
}

TEST_CASE("layers of a Linformer with different slots are analysed at shares") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids(5, 16));
  const ProgramResult result = run({"analyze-spectrum", "--checkpoint", weights("tatp22-kv"), "--ids",
                                    "ids.jsonl", "--spectra", "s.safetensors", "--out", "r.json"},
                                   folder);
  INFO(result.err);
  CHECK(result.code == 0);
  CHECK(contains(result.out, "over 4 to 6 slots"));
}

namespace {

// Structure, names and texts alike; numbers within rounding.
bool nearly_equal(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.get<double>(), y = b.get<double>();
    return std::abs(x - y) <= 1e-5 * std::max(1.0, std::abs(y));
  }
  if (!a.is_structured() || a.type() != b.type() || a.size() != b.size()) return a == b;
  for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j) {
    if ((a.is_object() && i.key() != j.key()) || !nearly_equal(*i, *j)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("attention writes projected keys and values, and its file gives the same P by --qk") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids(5, 20));
  REQUIRE(run({"attention", "--checkpoint", weights("fairseq"), "--ids", "ids.jsonl", "--save",
               "q,k,v,probabilities", "--out", "a.safetensors"},
              folder)
              .code == 0);
  const auto mean = [&](const std::vector<std::string>& input) {
    std::vector<std::string> arguments = {"analyze-spectrum", "--control", "none", "--out", "-"};
    arguments.insert(arguments.end(), input.begin(), input.end());
    const ProgramResult result = run(arguments, folder);
    INFO(result.err);
    REQUIRE(result.code == 0);
    const Json report = Json::parse(result.out);
    return report.at("results");
  };
  const Json by_model = mean({"--checkpoint", weights("fairseq"), "--ids", "ids.jsonl"});
  CHECK(mean({"--probabilities", "a.safetensors"}).contains("series"));
  // Rows lie elsewhere in the file than in the model, and products may then round otherwise.
  CHECK(nearly_equal(mean({"--qk", "a.safetensors"}), by_model));
}

TEST_CASE("a Linformer refuses what it cannot take, each by its reason") {
  const TemporaryFolder folder;
  folder.put("short.jsonl", ids(2, 9));
  folder.put("long.jsonl", ids(2, 21));
  const auto refused = [&](std::vector<std::string> arguments, int code, const char* named) {
    arguments.insert(arguments.begin(), {"analyze-spectrum", "--checkpoint"});
    const ProgramResult result = run(arguments, folder);
    INFO(named << ": " << result.err);
    CHECK(result.code == code);
    CHECK(contains(result.err, named));
  };
  refused({weights("tatp22-kv"), "--ids", "short.jsonl"}, 3, "exactly 16");
  refused({weights("tatp22-kv"), "--length", "9"}, 2, "16");
  refused({weights("lucidrains"), "--ids", "long.jsonl"}, 3, "20 positions");
  refused({weights("lucidrains"), "--ids", "short.jsonl", "--drop-special-tokens"}, 2, "slots");
}

}  // namespace linformer
