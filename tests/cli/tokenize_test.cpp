// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "checkpoint_copy.h"
#include "io/error_of.h"
#include "places.h"
#include "program.h"

namespace linformer {
namespace {

using Ids = std::vector<int>;

nlohmann::json recorded() {
  std::ifstream file(fixtures() + "/tokens/sequences.json");
  return nlohmann::json::parse(file);
}

// A checkpoint with the recorded vocabulary.
void give_vocabulary(const CheckpointCopy& copy) {
  std::filesystem::copy_file(fixtures() + "/tokens/vocab.txt", copy.folder().path("vocab.txt"),
                             std::filesystem::copy_options::overwrite_existing);
  copy.folder().put("tokenizer_config.json", R"({"do_lower_case": true})");
}

// One {"ids": [...]} a line.
std::vector<Ids> lines_of(const std::string& text) {
  std::vector<Ids> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json json = nlohmann::json::parse(line);
    CHECK(json.contains("ids"));
    lines.push_back(json.at("ids").get<Ids>());
  }
  return lines;
}

TEST_CASE("tokenize prints the recorded ids, one object a document") {
  const CheckpointCopy copy("masked-lm");
  give_vocabulary(copy);
  const nlohmann::json json = recorded();
  std::string documents;
  for (const auto& text : json.at("documents")) documents += nlohmann::json{{"text", text}}.dump() + "\n";
  copy.folder().put("documents.jsonl", documents);
  const ProgramResult result =
      run_program({"tokenize", "--checkpoint", ".", "--text", "documents.jsonl"}, {.folder = copy.path()});
  CHECK(result.code == 0);
  CHECK(lines_of(result.out) == json.at("with_special_tokens").get<std::vector<Ids>>());
}

TEST_CASE("tokenize reads stdin, and leaves out special tokens if asked") {
  const CheckpointCopy copy("masked-lm");
  give_vocabulary(copy);
  const std::string text = recorded().at("documents").at(0);
  Ids expected = recorded().at("with_special_tokens").at(0);
  const auto ids = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"tokenize", "--checkpoint", ".", "--text", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_program(arguments, {.folder = copy.path(), .input = text});
    CHECK(result.code == 0);
    return lines_of(result.out);
  };
  CHECK(ids({}) == std::vector<Ids>{expected});
  expected.erase(expected.begin());
  expected.pop_back();
  CHECK(ids({"--no-special-tokens"}) == std::vector<Ids>{expected});
}

TEST_CASE("tokenize cuts documents into sequences of a length and counts what it drops") {
  const TemporaryFolder folder;
  const auto lines = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"tokenize", "--checkpoint",       bert_fixture("masked-lm"),
                                          "--text",   folder.path("a.txt"), folder.path("b.txt")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_program(arguments, {.folder = folder.path()});
    CHECK(result.code == 0);
    return lines_of(result.out);
  };
  folder.put("a.txt", "a b c d e f g h i j k l m n");  // 14 tokens: ids from 5 on
  folder.put("b.txt", "t u v w x y z");
  const std::vector<Ids> whole = lines({"--no-special-tokens"});
  REQUIRE(whole.size() == 2);
  REQUIRE(whole[0] == Ids{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18});
  REQUIRE(whole[1].size() == 7);
  std::vector<Ids> expected;
  for (const Ids& document : whole) {
    for (size_t i = 0; i + 5 <= document.size(); i += 5) {
      Ids sequence = {2};
      sequence.insert(sequence.end(), document.begin() + static_cast<std::ptrdiff_t>(i),
                      document.begin() + static_cast<std::ptrdiff_t>(i + 5));
      sequence.push_back(3);
      expected.push_back(sequence);
    }
  }
  CHECK(expected.size() == 3);
  const std::vector<Ids> cut = [&] {
    const ProgramResult result = run_program(
        {"tokenize", "--checkpoint", bert_fixture("masked-lm"), "--text", "a.txt", "b.txt", "--length", "7"},
        {.folder = folder.path()});
    CHECK(contains(result.err, "6 of 21 tokens dropped"));
    return lines_of(result.out);
  }();
  CHECK(cut == expected);
}

TEST_CASE("A token that the model has no embedding of is refused where it occurs, and only there") {
  const CheckpointCopy copy("masked-lm");
  const std::string vocabulary = copy.folder().content("vocab.txt");
  const auto tokens = std::count(vocabulary.begin(), vocabulary.end(), '\n');
  copy.folder().put("tokenizer_config.json",
                    nlohmann::json{{"added_tokens_decoder",
                                    {{std::to_string(tokens), {{"content", "<new>"}, {"special", true}}}}}}
                        .dump());
  copy.folder().put("without.txt", "a b c d e f g h");
  copy.folder().put("with.txt", "a b c d <new> e f g h");
  const auto run = [&](const std::string& text) {
    return run_program({"tokenize", "--checkpoint", ".", "--text", text, "--length", "10"},
                       {.folder = copy.path()});
  };
  CHECK(run("without.txt").code == 0);
  copy.folder().put("with.txt", "a b c d <new> e f g h");
  const ProgramResult result = run("with.txt");
  CHECK(result.code == 3);
  CHECK(contains(result.err, "with.txt: token \"<new>\", id " + std::to_string(tokens)));
}

}  // namespace
}  // namespace linformer
