// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.h"
#include "io/error_of.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/bench-1.schema.json";

std::vector<std::string> quick(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"bench", "--lengths", "32,64", "--num-heads", "2",   "--head-size",
                                        "16",    "--k",       "4,8",   "--budget",    "0.2s"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

ProgramRun here(const TemporaryFolder& folder) { return {.folder = folder.path("")}; }

}  // namespace

TEST_CASE("bench prints a table and a sentence, and writes a report that its schema accepts") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(quick({"--out", "b.json"}), here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  for (const char* part : {"standard", "flash", "linformer:k=4,sharing=layerwise", "vs flash", "GFLOP/s"})
    CHECK(contains(result.out, part));
  CHECK(contains(result.err, "report: b.json"));
  const auto report = parse_json(read_text(folder.path("b.json")), "report");
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report["results"]["cells"].size() == 8);
  CHECK(report["results"]["complete"] == true);
  for (const auto& cell : report["results"]["cells"]) {
    CHECK(cell["samples_ns"].size() >= 6);
    CHECK(cell["error"]["largest_over_largest_output"] <= cell["error"]["bound"]);
  }
}

TEST_CASE(
    "bench gives its report on stdout, its table as CSV or Markdown, and its cells without running them") {
  const TemporaryFolder folder;
  const ProgramResult piped = run_program(quick({"--out", "-", "--quiet"}), here(folder));
  REQUIRE(piped.code == 0);
  CHECK(schema_errors(parse_json(piped.out, "stdout"), kSchema).empty());
  const ProgramResult csv = run_program(quick({"--format", "csv", "--out", "c.json"}), here(folder));
  CHECK(csv.out.starts_with("mechanism,length,batch,heads,head_size,causal,state,timed_matrices,median_ns"));
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 9);
  const ProgramResult markdown =
      run_program(quick({"--format", "markdown", "--out", "m.json"}), here(folder));
  CHECK(contains(markdown.out, "|---:|"));
  const ProgramResult list = run_program(quick({"--list"}), here(folder));
  CHECK(contains(list.out, "linformer:k=8,sharing=layerwise"));
  CHECK(contains(list.err, "nothing was run"));
  const ProgramResult listed = run_program(quick({"--list", "--format", "json"}), here(folder));
  CHECK(parse_json(listed.out, "stdout").size() == 8);
  const ProgramResult lines = run_program(quick({"--format", "jsonl", "--out", "l.json"}), here(folder));
  CHECK(std::count(lines.out.begin(), lines.out.end(), '\n') == 8);
  CHECK(parse_json(lines.out.substr(0, lines.out.find('\n')), "stdout")["mechanism"] == "standard");
  CHECK(folder.entries() == 3);
}

TEST_CASE("bench writes Markdown into a file, and what is asked for where a format is given") {
  const TemporaryFolder folder;
  const auto into_file = [&](const std::string& more) {
    const std::string command =
        "cd '" + folder.path() + "' && '" + program_path() +
        "' bench --quiet --lengths 32 --mechanisms flash --num-heads 2 --budget 0.1s " + more + " > table";
    REQUIRE(std::system(command.c_str()) == 0);
    return folder.content("table");
  };
  CHECK(into_file("--out a.json").starts_with("| n | mechanism |"));
  CHECK(into_file("--out b.json --format csv").starts_with("mechanism,"));
  CHECK(parse_json(into_file("--out -"), "stdout")["schema"] == "linformer/bench/1");
}

TEST_CASE("bench lists the cells of a model that is far larger than the memory allowed, and warns") {
  const TemporaryFolder folder;
  const ProgramResult list = run_program(
      {"bench", "--list", "--level", "model", "--model", "layers=100,width=8192,heads=64,ffn=32768",
       "--lengths", "512", "--tokens", "600", "--memory", "1GB", "--threads", "4096"},
      here(folder));
  INFO(list.err);
  CHECK(list.code == 0);
  CHECK(contains(list.out, "needs"));
  CHECK(contains(list.err, "512 tokens, not 600"));
  CHECK(contains(list.err, "4096 threads on"));
  CHECK(list.peak_bytes < 1'000'000'000);
  CHECK(folder.entries() == 0);
}

TEST_CASE("bench that is interrupted goes on where it was with --resume, and only with the same options") {
  const TemporaryFolder folder;
  const auto of = [](std::vector<std::string> more) {
    std::vector<std::string> all = {
        "bench",       "--lengths", "32,64,96", "--mechanisms", "flash;standard", "--num-heads", "2",
        "--head-size", "16",        "--budget", "3s",           "--out",          "b.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  ProgramRun interrupted = here(folder);
  interrupted.signal = SIGINT;
  interrupted.when = [&](int) { return std::filesystem::exists(folder.path("b.json.partial")); };
  const ProgramResult stopped = run_program(of({}), interrupted);
  REQUIRE(stopped.code == 128 + SIGINT);
  CHECK(contains(stopped.err, "--resume goes on"));
  const auto first = nlohmann::ordered_json::parse(folder.content("b.json"));
  CHECK(first["results"]["complete"] == false);
  CHECK(first["results"]["cells"][0]["state"] == "measured");
  CHECK(first["results"]["cells"][5]["state"] == "interrupted");
  const std::string journal = folder.content("b.json.partial");
  CHECK(run_program(of({}), here(folder)).code == 2);
  CHECK(run_program(of({"--resume", "--seed", "2"}), here(folder)).code == 2);
  CHECK(folder.content("b.json.partial") == journal);
  const ProgramResult resumed = run_program(of({"--resume"}), here(folder));
  INFO(resumed.err);
  REQUIRE(resumed.code == 0);
  const auto whole = nlohmann::ordered_json::parse(folder.content("b.json"));
  CHECK(whole["results"]["complete"] == true);
  CHECK(whole["identity"] == first["identity"]);
  for (const size_t i : {size_t{0}, size_t{1}})
    CHECK(whole["results"]["cells"][i] == first["results"]["cells"][i]);
  CHECK(folder.entries() == 1);
  CHECK(contains(run_program(of({"--resume"}), here(folder)).err, "no journal b.json.partial"));
}

TEST_CASE("bench tells how many sequences fit, in every format, with a report that its schema accepts") {
  const TemporaryFolder folder;
  const auto of = [](std::vector<std::string> more) {
    std::vector<std::string> all = {"bench", "--fit-batch", "4MB",         "--lengths", "32,1024",
                                    "--k",   "8",           "--num-heads", "2",         "--head-size",
                                    "16",    "--out",       "f.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const std::string schema = schemas() + "/batch-fit-1.schema.json";
  const ProgramResult table = run_program(of({}), here(folder));
  INFO(table.err);
  REQUIRE(table.code == 0);
  CHECK(contains(table.out, "largest batch"));
  CHECK(contains(table.out, "none"));
  const auto report = parse_json(folder.content("f.json"), "report");
  CHECK(schema_errors(report, schema).empty());
  CHECK(report["checks"]["measured_cells"] == 6);
  CHECK(report["method"]["limit_bytes"] == 4'000'000);
  CHECK(parse_json(run_program(of({"--format", "json"}), here(folder)).out, "stdout")["schema"] ==
        "linformer/batch-fit/1");
  for (const auto& [format, lines] : {std::pair{"csv", 7}, std::pair{"jsonl", 6}, std::pair{"markdown", 8}}) {
    const std::string out = run_program(of({"--format", format}), here(folder)).out;
    CHECK(std::count(out.begin(), out.end(), '\n') == lines);
  }
  CHECK(folder.entries() == 1);
  const ProgramResult none = run_program(
      {"bench", "--fit-batch", "4MB", "--mechanisms", "linformer:k=64", "--lengths", "32", "--out", "-"},
      here(folder));
  CHECK(none.code == 2);
  CHECK(schema_errors(parse_json(none.out, "stdout"), schema).empty());
}

TEST_CASE("bench skips what cannot be done with the reason, and fails where nothing could") {
  const TemporaryFolder folder;
  const ProgramResult causal = run_program(quick({"--causal", "--out", "b.json"}), here(folder));
  CHECK(causal.code == 0);
  CHECK(contains(causal.err, "cannot be causal"));
  CHECK(contains(causal.out, "unsupported"));
  const ProgramResult only = run_program(
      {"bench", "--causal", "--mechanisms", "linformer", "--k", "8", "--lengths", "32", "--out", "o.json"},
      here(folder));
  CHECK(only.code == 2);
  CHECK(contains(only.err, "cannot be causal"));
  const ProgramResult none =
      run_program({"bench", "--lengths", "4096", "--memory", "1MB", "--out", "n.json"}, here(folder));
  CHECK(none.code == 5);
  CHECK(contains(none.err, "too large"));
}

TEST_CASE("bench times a layer and a model of given sizes, and says of what") {
  const TemporaryFolder folder;
  for (const char* level : {"layer", "model"}) {
    const ProgramResult result =
        run_program({"bench", "--level", level, "--model", "layers=2,width=32,heads=4,ffn=64", "--lengths",
                     "24,48", "--k", "4,32", "--budget", "0.2s", "--out", "m.json"},
                    here(folder));
    INFO(result.err);
    REQUIRE(result.code == 0);
    const auto report = parse_json(read_text(folder.path("m.json")), "report");
    CHECK(schema_errors(report, kSchema).empty());
    CHECK(report["method"]["level"] == level);
    CHECK(report["method"]["architecture"]["heads"] == 4);
    CHECK(report["results"]["level"] == level);
    const std::string subject = report["results"]["subject"];
    CHECK(subject == (level == std::string("layer") ? "a layer of " : "") +
                         std::string("layers=2,width=32,heads=4,ffn=64"));
    CHECK(contains(result.out, subject + " with random weights"));
    CHECK(contains(result.out, "by FLOPs"));
    CHECK(contains(result.err, "k = 32 slots for n = 24"));
    for (const auto& cell : report["results"]["cells"]) {
      const bool possible = cell["state"] == "measured";
      CHECK(possible == !(cell["mechanism"] == "linformer:k=32,sharing=layerwise" && cell["length"] == 24));
      CHECK(cell["layers"] == (level == std::string("layer") ? 1 : 2));
      CHECK(cell["heads"] == 4);
    }
  }
}

TEST_CASE("bench times a checkpoint, and leaves out the lengths that are beyond its positions") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(
      {"bench", "--level", "model", "--checkpoint", fixtures() + "/bert/base-prefixless", "--lengths",
       "16,4096", "--k", "4", "--tokens", "64", "--budget", "0.1s", "--out", "c.json"},
      here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.err, "positions"));
  const auto report = parse_json(read_text(folder.path("c.json")), "report");
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report["method"]["weights"] == "of the checkpoint");
  for (const auto& cell : report["results"]["cells"]) {
    CHECK(cell["state"] == (cell["length"] == 16 ? "measured" : "unsupported"));
    if (cell["length"] == 16) CHECK(cell["batch"] == 4);
  }
  const ProgramResult decoder =
      run_program({"bench", "--level", "layer", "--checkpoint", fixtures() + "/models/gpt2"}, here(folder));
  CHECK(decoder.code == 2);
  CHECK(contains(decoder.err, "a decoder"));
  const ProgramResult over =
      run_program({"bench", "--level", "model", "--checkpoint", fixtures() + "/bert/base-prefixless", "--out",
                   fixtures() + "/bert/base-prefixless/config.json"},
                  here(folder));
  CHECK(over.code == 2);
}

TEST_CASE("bench times attention on the heads of a checkpoint, and says how far their scores scatter") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", ids_jsonl(3, 24));
  const auto of = [](std::vector<std::string> more) {
    std::vector<std::string> all = {"bench", "--checkpoint", bert_fixture("masked-lm"),
                                    "--ids", "ids.jsonl",    "--k",
                                    "4",     "--budget",     "0.2s",
                                    "--out", "h.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const ProgramResult result = run_program(
      of({"--lengths", "16,100000", "--batch", "2", "--layers", "1", "--dtype", "f32,bf16"}), here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.out, "attention of heads of"));
  CHECK(contains(result.out, "scores scatter by"));
  CHECK(contains(result.out, "f32 to bf16"));
  CHECK(contains(result.err, "positions"));
  const auto report = parse_json(folder.content("h.json"), "report");
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report["method"]["head_layers"] == nlohmann::json::array({1}));
  CHECK(report["results"]["narrowing"].size() == 3);
  for (const auto& cell : report["results"]["cells"]) {
    CHECK(cell["state"] == (cell["length"] == 16 ? "measured" : "unsupported"));
    CHECK(cell["heads"] == report["method"]["architecture"]["heads"]);
    if (cell["length"] == 16) CHECK(cell["score_deviation"] > 0);
  }
  const ProgramResult few = run_program(of({"--lengths", "16", "--batch", "4"}), here(folder));
  CHECK(few.code == 3);
  CHECK(contains(few.err, "3 lines with 16 ids or more"));
  CHECK(run_program(of({"--lengths", "16", "--layers", "9"}), here(folder)).code == 2);
  const ProgramResult list = run_program(of({"--lengths", "16", "--list"}), here(folder));
  CHECK(list.code == 0);
  CHECK(contains(list.out, "linformer:k=4"));
}

TEST_CASE("bench times few queries against many keys, and says how many") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(quick({"--queries", "1,40", "--out", "q.json"}), here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.out, "queries"));
  CHECK(contains(result.err, "40 queries for n = 32"));
  const auto report = parse_json(folder.content("q.json"), "report");
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report["results"]["cells"].size() == 16);
  for (const auto& cell : report["results"]["cells"]) {
    const bool possible = cell["queries"] <= cell["length"];
    CHECK(cell["state"] == (possible ? "measured" : "unsupported"));
  }
  const ProgramResult again = run_program({"report", "q.json"}, here(folder));
  INFO(again.err);
  CHECK(again.code == 0);
  CHECK(contains(again.out, "queries"));
}

TEST_CASE("bench reads a text from standard input once, whatever the number of lengths") {
  const TemporaryFolder folder;
  ProgramRun run = here(folder);
  for (int i = 0; i < 100; ++i) run.input += "in the beginning was the word and the word was short ";
  const std::vector<std::string> arguments = {"bench",
                                              "--checkpoint",
                                              bert_fixture("masked-lm"),
                                              "--text",
                                              "-",
                                              "--lengths",
                                              "8,16,24",
                                              "--mechanisms",
                                              "flash",
                                              "--budget",
                                              "0.2s",
                                              "--out",
                                              "text.json"};
  const ProgramResult result = run_program(arguments, run);
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto report = parse_json(folder.content("text.json"), "report");
  REQUIRE(report["results"]["cells"].size() == 3);
  for (const auto& cell : report["results"]["cells"]) CHECK(cell["state"] == "measured");
  run.input.clear();
  for (int i = 0; i < 3; ++i) run.input += ids_jsonl(1, 24);
  std::vector<std::string> by_ids = arguments;
  by_ids[3] = "--ids", by_ids[12] = "ids.json";
  CHECK(run_program(by_ids, run).code == 0);
}

TEST_CASE("bench sweeps numbers of threads and shows what more of them help") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(quick({"--threads", "1,2", "--out", "t.json"}), here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.out, "1 to 2"));
  CHECK(contains(result.out, "speed-up"));
  const auto report = parse_json(read_text(folder.path("t.json")), "report");
  CHECK(schema_errors(report, kSchema).empty());
  CHECK(report["results"]["cells"].size() == 16);
  CHECK(report["results"]["scaling"].size() == 8);
  CHECK(report["results"]["peaks"].size() == 2);
  CHECK(report["method"]["threads"] == nlohmann::json::array({1, 2}));
  const ProgramResult csv =
      run_program(quick({"--threads", "1,2", "--format", "csv", "--out", "v.json"}), here(folder));
  CHECK(std::count(csv.out.begin(), csv.out.end(), '\n') == 17);
  CHECK(contains(csv.out, "flops_ratio_to_flash"));
}

TEST_CASE("bench refuses options that make no sense, naming them") {
  const TemporaryFolder folder;
  const std::pair<std::vector<std::string>, const char*> rows[] = {
      {{"--mechanisms", "flush"}, "flush"},
      {{"--mechanisms", "flash;;standard"}, "--mechanisms"},
      {{"--mechanisms", "linformer:k=0"}, "k=0"},
      {{"--mechanisms", "linformer:k=4,k=8"}, "'k' twice"},
      {{"--mechanisms", "flash;flash"}, "flash twice"},
      {{"--reference", "flash;flash"}, "--reference"},
      {{"--resume"}, "no --out"},
      {{"--resume", "--force", "--out", "x.json"}, "--force"},
      {{"--out", "-", "--format", "csv"}, "--format"},
      {{"--fit-batch", "16XB"}, "--fit-batch"},
      {{"--fit-batch", "2000TB"}, "1 PiB"},
      {{"--fit-batch", "1GB", "--batch", "2"}, "--batch"},
      {{"--fit-batch", "1GB", "--list"}, "--list"},
      {{"--lengths", "0"}, "--lengths"},
      {{"--lengths", "abc"}, "--lengths"},
      {{"--k", "0"}, "--k"},
      {{"--num-heads", "0"}, "--num-heads"},
      {{"--head-size", "-1"}, "--head-size"},
      {{"--queries", "0"}, "--queries"},
      {{"--queries", "1", "--level", "model"}, "--queries"},
      {{"--queries", "1", "--fit-batch", "1GB"}, "--queries"},
      {{"--batch", "0"}, "--batch"},
      {{"--batch", "2", "--tokens", "64"}, "--tokens"},
      {{"--budget", "0"}, "--budget"},
      {{"--budget", "10x"}, "--budget"},
      {{"--score-std", "nan"}, "--score-std"},
      {{"--score-std", "1e39"}, "--score-std"},
      {{"--reference", "nothing"}, "nothing"},
      {{"--mechanisms", "flash", "--reference", "standard"}, "not measured"},
      {{"--threads", "0"}, "--threads"},
      {{"--threads", "1,5000"}, "4096"},
      {{"--level", "head"}, "--level"},
      {{"--model", "bert-base"}, "--level layer or model"},
      {{"--checkpoint", "nowhere", "--num-heads", "2"}, "--num-heads"},
      {{"--checkpoint", "nowhere", "--score-std", "2"}, "--score-std"},
      {{"--checkpoint", "nowhere", "--fit-batch", "1GB"}, "--fit-batch"},
      {{"--checkpoint", "nowhere", "--text", "a", "--ids", "b"}, "--text"},
      {{"--text", "nothing.txt"}, "--text"},
      {{"--level", "model", "--layers", "0"}, "--layers"},
      {{"--level", "model", "--dtype", "bf16"}, "--dtype"},
      {{"--dtype", "f16"}, "'f16'"},
      {{"--level", "model", "--model", "bart"}, "roberta-base"},
      {{"--level", "model", "--num-heads", "3"}, "--num-heads"},
      {{"--level", "layer", "--head-size", "3"}, "--head-size"},
      {{"--level", "layer", "--score-std", "3"}, "--score-std"},
      {{"--level", "layer", "--model", "bert-base", "--checkpoint", "x"}, "--model"},
      {{"--level", "layer", "--causal", "--checkpoint", "x"}, "--causal"},
      {{"--lengths", "1000000000000"}, "2^58"},
      {{"--level", "model", "--lengths", "6004799503160662"}, "2^58"},
      {{"--level", "model", "--model", "layers=1048576,width=1048576,heads=1,ffn=1048576"}, "2^58"}};
  for (const auto& [arguments, part] : rows) {
    std::vector<std::string> all = {"bench"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const ProgramResult result = run_program(all, here(folder));
    INFO(result.err);
    CHECK(result.code == 2);
    CHECK(contains(result.err, part));
  }
  CHECK(std::filesystem::is_empty(folder.path(".")));
}

}  // namespace linformer
