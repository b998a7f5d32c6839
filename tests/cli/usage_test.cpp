// SPDX-License-Identifier: MIT
// Exit code 2: options that do not exist, do not fit each other, or do not fit the model.
#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "program.h"

namespace linformer {
namespace {

using Arguments = std::vector<std::string>;

struct Refused {
  Arguments arguments;
  std::vector<std::string> named;  // in the message
};

void check_refused(const Refused& row, const TemporaryFolder& folder) {
  const auto entries = folder.entries();
  const ProgramResult result = run_program(row.arguments, {.folder = folder.path()});
  INFO("arguments: " << Catch::Detail::stringify(row.arguments));
  INFO("stderr: " << result.err);
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  for (const std::string& part : row.named) CHECK(contains(result.err, part));
  CHECK(folder.entries() == entries);
}

TEST_CASE("help and version go to stdout and are no errors") {
  const TemporaryFolder folder;
  const std::vector<Refused> rows = {{{"--help"}, {"analyze-spectrum", "Examples"}},
                                     {{"--version"}, {"linformer "}},
                                     {{"info", "--help"}, {"CHECKPOINT", "linformer info"}},
                                     {{"tokenize", "--help"}, {"--no-special-tokens", "Examples"}},
                                     {{"attention", "--help"}, {"--save", "Examples"}},
                                     {{"analyze-spectrum", "--help"}, {"--control", "Examples"}}};
  for (const Refused& row : rows) {
    const ProgramResult result = run_program(row.arguments, {.folder = folder.path()});
    INFO("arguments: " << Catch::Detail::stringify(row.arguments));
    CHECK(result.code == 0);
    CHECK(result.err.empty());
    for (const std::string& part : row.named) CHECK(contains(result.out, part));
  }
}

TEST_CASE("a command line that makes no sense is refused, and the message names the option") {
  const TemporaryFolder folder;
  const std::vector<Refused> rows = {
      {{}, {"no command", "analyze-spectrum"}},
      {{"no-such-command"},
       {"no-such-command",
        "info, tokenize, attention, analyze-spectrum, bench, accuracy, advise, report or reproduce\n"}},
      {{"analyze-spectrun"}, {"no such command", "did you mean analyze-spectrum?"}},
      {{"--verison"}, {"--verison: no such option", "did you mean --version?"}},
      {{"--color", "never", "info"}, {"--color: comes after the command info"}},
      {{"info", "--colour=never"}, {"--colour: no such option of info; did you mean --color?"}},
      {{"info", "--color", "purple"}, {"--color: 'purple'; expected auto, always or never\n"}},
      {{"info", "--format", "jsno"}, {"--format: 'jsno'", "did you mean json?"}},
      {{"--no-such-option", "info"}, {"--no-such-option"}},
      {{"info", "--no-such-option"}, {"--no-such-option"}},
      {{"info", "a", "b"}, {"'b': one argument too many"}},
      {{"info", "--sequences", "1"}, {"--sequences", "--check"}},
      {{"attention"}, {"--out"}},
      {{"attention", "--out", "a", "--save", "p"}, {"--save"}},
      {{"tokenize", "--ids", "x"}, {"--ids"}},
      {{"tokenize", "--sequences", "1"}, {"--sequences", "--length"}},
      {{"tokenize", "--length", "16", "--no-special-tokens"}, {"--no-special-tokens"}},
      {{"analyze-spectrum", "--threads", "x"}, {"--threads"}},
      {{"analyze-spectrum", "--threads", "0"}, {"--threads"}},
      {{"analyze-spectrum", "--length", "-1"}, {"--length", "'-1'", "1 or more"}},
      {{"analyze-spectrum", "--length", "9223372036854775808"}, {"--length", "9223372036854775808"}},
      {{"analyze-spectrum", "--seed", "18446744073709551616"}, {"--seed", "18446744073709551616"}},
      {{"info", "--check", "--seed", "18446744073709551616"}, {"--seed", "18446744073709551616"}},
      {{"analyze-spectrum", "--text", ""}, {"--text", "empty"}},
      {{"analyze-spectrum", "--text="}, {"--text"}},
      {{"analyze-spectrum", "--text", "a", ""}, {"--text", "empty"}},
      {{"analyze-spectrum", "--ids", ""}, {"--ids", "empty"}},
      {{"analyze-spectrum", "--checkpoint", ""}, {"--checkpoint", "empty"}},
      {{"analyze-spectrum", "--qk", ""}, {"--qk", "empty"}},
      {{"analyze-spectrum", "--probabilities", ""}, {"--probabilities", "empty"}},
      {{"analyze-spectrum", "--out", ""}, {"--out", "empty"}},
      {{"analyze-spectrum", "--spectra", ""}, {"--spectra", "empty"}},
      {{"analyze-spectrum", "--layers", ""}, {"--layers", "empty"}},
      {{"analyze-spectrum", "--heads", ""}, {"--heads", "empty"}},
      {{"analyze-spectrum", "--memory", ""}, {"--memory", "empty"}},
      {{"analyze-spectrum", "--at", ""}, {"--at", "empty"}},
      {{"info", ""}, {"CHECKPOINT", "empty"}},
      {{"tokenize", "--text", ""}, {"--text", "empty"}},
      {{"attention", "--out", ""}, {"--out", "empty"}},
      {{"analyze-spectrum", "--sequences", "0"}, {"--sequences", "'0'"}},
      {{"analyze-spectrum", "--until-width", "wide"}, {"--until-width", "'wide'"}},
      {{"analyze-spectrum", "--seed", "-1"}, {"--seed"}},
      {{"analyze-spectrum", "--seed", "1.5"}, {"--seed"}},
      {{"analyze-spectrum", "--verify", "nan"}, {"--verify: 'nan'; expected a number from 0 to 1"}},
      {{"analyze-spectrum", "--verify", "1.5"}, {"--verify: '1.5'"}},
      {{"analyze-spectrum", "--verify", "-0.1"}, {"--verify: '-0.1'"}},
      {{"analyze-spectrum", "--control", "matched,"}, {"--control: ''"}},
      {{"analyze-spectrum", "--control", "matched", "nine"}, {"--control: 'nine'"}},
      {{"attention", "--out", "a", "--save", "q,,k"}, {"--save: ''"}},
      {{"analyze-spectrum", "--spectra", "-"}, {"--spectra: '-'"}},
      {{"analyze-spectrum", "--memory", "much"}, {"--memory"}},
      {{"analyze-spectrum", "--isa", "sse9"}, {"--isa"}},
      {{"analyze-spectrum", "--format", "xml"}, {"--format"}},
      {{"analyze-spectrum", "--control", "none-such"}, {"--control"}},
      {{"analyze-spectrum", "--text", "a", "--ids", "b"}, {"--text", "--ids"}},
      {{"analyze-spectrum", "--ids", "b", "--length", "8"}, {"--ids", "--length"}},
      {{"analyze-spectrum", "--ids", "b", "--per-document"}, {"--ids", "--per-document"}},
      {{"analyze-spectrum", "--qk", "a", "--probabilities", "b"}, {"--qk", "--probabilities"}},
      {{"analyze-spectrum", "--qk", "a", "--checkpoint", "b"}, {"--qk", "--checkpoint"}},
      {{"analyze-spectrum", "--qk", "a", "--sequences", "1"}, {"--qk", "--sequences"}},
      {{"analyze-spectrum", "--probabilities", "a", "--length", "8"}, {"--probabilities", "--length"}},
      {{"analyze-spectrum", "--probabilities", "a", "--drop-special-tokens"}, {"--drop-special-tokens"}},
      {{"analyze-spectrum", "--scale", "2"}, {"--scale", "--qk"}},
      {{"analyze-spectrum", "--causal"}, {"--causal", "--qk"}},
      {{"analyze-spectrum", "--per-document", "--join-documents"}, {"--per-document", "--join-documents"}},
      {{"analyze-spectrum", "--resume", "--force"}, {"--resume", "--force"}}};
  for (const Refused& row : rows) check_refused(row, folder);
}

TEST_CASE("an option that this model cannot take is refused with what it can take") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(2, 16));
  const auto with = [&](Arguments more) {
    Arguments all = {"analyze-spectrum", "--checkpoint", bert_fixture("masked-lm"), "--out", "r.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::vector<Refused> rows = {
      {with({"--length", "65"}), {"--length", "65", "64"}},
      {with({"--length", "2"}), {"--length", "2", "3"}},
      {with({"--ids", "ids.jsonl", "--layers", "2"}), {"--layers", "2", "0 to 1"}},
      {with({"--ids", "ids.jsonl", "--layers", "x"}), {"--layers", "'x'"}},
      {with({"--ids", "ids.jsonl", "--heads", "0..4"}), {"--heads", "4", "0 to 3"}},
      {with({"--ids", "ids.jsonl", "--at", "17"}), {"--at", "17", "1 to 16"}},
      {with({"--ids", "ids.jsonl", "--at", "0"}), {"--at", "0"}},
      {with({"--ids", "ids.jsonl", "--at", "120%"}), {"--at", "120%"}},
      {with({"--ids", "ids.jsonl", "--at", "0%"}), {"--at: '0%'; expected a share such as 25%, above 0%"}},
      {with({"--ids", "ids.jsonl", "--at", "0.25"}), {"--at: '0.25'; expected an index"}},
      {with({"--ids", "ids.jsonl", "--at", "-1"}), {"--at: '-1'"}},
      {with({"--ids", "ids.jsonl", "--at", "4,"}), {"--at: ''"}},
      {with({"--ids", "ids.jsonl", "--at", "4", "25%,x"}), {"--at: 'x'"}},
      {with({"--ids", "ids.jsonl", "--layers", "-1"}), {"--layers: '-1'"}},
      {with({"--ids", "ids.jsonl", "--layers", "..2"}), {"--layers: '..2'"}},
      {with({"--ids", "ids.jsonl", "--heads", ","}), {"--heads: ''"}},
      {with({"--ids", "ids.jsonl", "--control", "causal-uniform"}), {"--control", "causal"}},
      {{"attention", "--checkpoint", bert_fixture("masked-lm"), "--length", "65", "--out", "a"},
       {"--length", "65", "64"}},
      {{"attention", "--checkpoint", bert_fixture("masked-lm"), "--length", "16", "--layers", "2", "--out",
        "a"},
       {"--layers", "2", "0 to 1"}},
      {{"tokenize", "--checkpoint", bert_fixture("masked-lm"), "--length", "65"}, {"--length", "65", "64"}},
      {{"info", bert_fixture("gamma-beta"), "--check"}, {"--check"}}};
  for (const Refused& row : rows) check_refused(row, folder);
}

TEST_CASE("controls that a file of tensors cannot have are refused") {
  const TemporaryFolder folder;
  REQUIRE(run_program({"attention", "--checkpoint", bert_fixture("masked-lm"), "--length", "8", "--sequences",
                       "1", "--save", "probabilities,q,k", "--out", "a.safetensors"},
                      {.folder = folder.path()})
              .code == 0);
  check_refused(
      {{"analyze-spectrum", "--probabilities", "a.safetensors", "--control", "init"}, {"--control", "init"}},
      folder);
  check_refused({{"analyze-spectrum", "--qk", "a.safetensors", "--control", "init"}, {"--control", "init"}},
                folder);
  check_refused({{"analyze-spectrum", "--probabilities", "a.safetensors", "--logits"}, {"--logits"}}, folder);
}

}  // namespace
}  // namespace linformer
