// SPDX-License-Identifier: MIT
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "checkpoint/tensor_file.h"
#include "io/error_of.h"
#include "io/file_bytes.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/accuracy-1.schema.json";

// Of a small model, on made-up ids of one length.
std::vector<std::string> quick(const TemporaryFolder& folder, std::vector<std::string> more) {
  folder.put("ids.jsonl", ids_jsonl(8, 16));
  std::vector<std::string> arguments = {"accuracy", "--checkpoint",           bert_fixture("masked-lm"),
                                        "--ids",    folder.path("ids.jsonl"), "--k",
                                        "2,16"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

ProgramRun here(const TemporaryFolder& folder) { return {.folder = folder.path("")}; }

}  // namespace

TEST_CASE("accuracy prints tables and writes a report that its schema accepts") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(quick(folder, {"--out", "a.json"}), here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  for (const char* part : {"mean-v", "subspace:sharing=model", "projection=gaussian", "untrained skill",
                           "hidden error", "mean skill of a layer's heads"})
    CHECK(contains(result.out, part));
  CHECK(contains(result.err, "report: a.json"));
  const auto report = parse_json(read_text(folder.path("a.json")), "report");
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  CHECK(report["results"]["cells"].size() == 2 + 11 * 2);
  CHECK(report["checks"]["passed"] == true);
  CHECK(report["checks"]["exact_cells"] == 1);
  CHECK_FALSE(std::filesystem::exists(folder.path("a.json.partial")));
}

TEST_CASE("accuracy of the model that is built in has a loss, which flash does not change") {
  const TemporaryFolder folder;
  const ProgramResult result =
      run_program({"accuracy", "--length", "32", "--sequences", "12", "--mechanisms", "flash;mean-v",
                   "--calibration", "0", "--control", "none", "--out", "-"},
                  here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto report = parse_json(result.out, "stdout");
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  const auto& results = report["results"];
  CHECK(results["loss_name"] == "masked_lm_loss_nats");
  CHECK(results["loss_nats"]["mean"] < 6);
  const auto increase = [&](size_t cell) {
    return results["cells"][cell]["all_replaced"]["loss_increase_nats"]["mean"].get<double>();
  };
  CHECK(std::abs(increase(0)) < 1e-4);
  CHECK(increase(1) > 0.2);
}

TEST_CASE("accuracy writes fitted E and F, and its long table as CSV") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(
      quick(folder, {"--mechanisms", "fitted;fitted:sharing=layer", "--control", "none", "--no-layers",
                     "--no-model", "--save-fitted", "ef.safetensors", "--format", "csv", "--out", "a.json"}),
      here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.out.starts_with("cell,method,k,kind,series,layer,head,statistic,mean,low,high\n"));
  CHECK_FALSE(contains(result.out, ",alone,"));
  const TensorFile file = TensorFile::open(folder.path("ef.safetensors"), true);
  CHECK(file.get("layers.1.heads.2.k2.E").shape == Shape{2, 16});
  CHECK(file.get("layers.0.k16.F").shape == Shape{16, 16});
  CHECK(parse_json(read_text(folder.path("a.json")), "report")["fitted"] == "ef.safetensors");
}

TEST_CASE(
    "accuracy measures a T5's encoder by what works from P, and of its cross attention the heads alone") {
  const TemporaryFolder folder;
  folder.put("ids.jsonl", "[1, 2, 3, 4, 5, 6]\n[6, 5, 4, 3, 2, 1]\n");
  const auto t5 = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"accuracy",
                                          "--checkpoint",
                                          fixtures() + "/models/t5",
                                          "--ids",
                                          folder.path("ids.jsonl"),
                                          "--k",
                                          "2",
                                          "--out",
                                          "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments, here(folder));
  };
  const ProgramResult encoder = t5({"--mechanisms", "svd;subspace;local;mean-v"});
  INFO(encoder.err);
  REQUIRE(encoder.code == 0);
  const auto report = parse_json(encoder.out, "stdout");
  CHECK(report["results"]["cells"][3]["all_replaced"]["hidden_error"]["mean"] > 1e-3);
  CHECK(report["results"]["loss_nats"].is_null());
  CHECK(t5({"--mechanisms", "flash"}).code == 2);  // its bias by distance is beyond it
  CHECK(t5({"--mechanisms", "svd", "--stack", "cross"}).code == 4);
  CHECK(t5({"--mechanisms", "svd", "--stack", "decoder", "--no-layers", "--no-model"}).code == 4);
  CHECK(t5({"--mechanisms", "svd", "--stack", "cross", "--no-layers", "--no-model"}).code == 0);
}

TEST_CASE("accuracy of a causal model is of what is causal, and of the loss of the next token") {
  const TemporaryFolder folder;
  std::string ids;
  for (int64_t s = 0; s < 6; ++s) {
    for (int64_t i = 0; i < 12; ++i)
      ids += (i == 0 ? "[" : ", ") + std::to_string((7 * s + 5 * i * i + s * i) % 60);
    ids += "]\n";
  }
  folder.put("ids.jsonl", ids);
  const auto measured = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"accuracy",
                                          "--checkpoint",
                                          fixtures() + "/models/gpt2-lm",
                                          "--ids",
                                          folder.path("ids.jsonl"),
                                          "--k",
                                          "3,12",
                                          "--control",
                                          "init",
                                          "--out",
                                          "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_program(arguments, here(folder));
    INFO(result.err);
    REQUIRE(result.code == 0);
    return parse_json(result.out, "stdout");
  };
  const auto report = measured({});
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  const auto& results = report["results"];
  CHECK(results["loss_name"] == "causal_lm_loss_nats");
  std::vector<std::string> names;
  for (const auto& cell : results["cells"]) names.push_back(cell["name"]);
  CHECK(names == std::vector<std::string>{"flash", "mean-v", "local:k=3", "local:k=12"});
  const auto hidden = [&](size_t cell) {
    return results["cells"][cell]["all_replaced"]["hidden_error"]["mean"].get<double>();
  };
  CHECK(hidden(0) < 1e-5);
  CHECK(hidden(1) > 1e-2);
  CHECK(hidden(2) > 1e-3);
  CHECK(hidden(3) < 1e-5);
  CHECK(results["cells"][1]["model"]["skill"]["mean"].get<double>() == Approx(0).margin(1e-6));
  CHECK(results["cells"][1]["model"]["divergence_nats"]["mean"].get<double>() > 0);
}

TEST_CASE("a dry run of accuracy says what it would take, and writes nothing") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(quick(folder, {"--out", "a.json", "--dry-run"}), here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  CHECK(contains(result.out,
                 "8 sequences of 16 tokens, 4 to learn from and 4 to judge by; 24 replacements in "
                 "2 layers x 4 heads"));
  CHECK(contains(result.out, "time    about "));
  CHECK(contains(result.out, "disk    "));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path(".")), {}) == 1);
  // Nothing is learnt where nothing learns.
  const ProgramResult plain =
      run_program(quick(folder, {"--mechanisms", "svd", "--calibration", "0", "--dry-run"}), here(folder));
  CHECK(plain.code == 0);
  CHECK(contains(plain.out, "about 0 s to learn"));
}

TEST_CASE("accuracy refuses what it cannot do, before it does anything") {
  const TemporaryFolder folder;
  const auto code = [&](std::vector<std::string> more) {
    return run_program(quick(folder, std::move(more)), here(folder)).code;
  };
  CHECK(code({"--mechanisms", "lowrank"}) == 2);
  CHECK(code({"--mechanisms", "svd:k=17"}) == 2);
  CHECK(code({"--mechanisms", ""}) == 2);
  CHECK(code({"--calibration", "0"}) == 2);
  CHECK(code({"--calibration", "1.5"}) == 2);
  CHECK(code({"--resume"}) == 2);
  CHECK(code({"--mechanisms", "svd:k=4,k=5"}) == 2);
  CHECK(code({"--mechanisms", "fitted", "--save-fitted", "missing/ef.safetensors"}) == 6);
  CHECK(code({"--mechanisms", "svd", "--save-fitted", "ef.safetensors"}) == 2);
  CHECK(code({"--mechanisms", "fitted", "--save-fitted", "x.json", "--out", "x.json"}) == 2);
  folder.put("few.jsonl", "[1, 2, 3, 4]\n[4, 3, 2, 1]\n");
  const ProgramResult causal = run_program({"accuracy", "--checkpoint", fixtures() + "/models/gpt2", "--ids",
                                            folder.path("few.jsonl"), "--mechanisms", "flash;svd"},
                                           here(folder));
  CHECK(causal.code == 4);
  CHECK(contains(causal.err, "svd:k=1 in the place of causal heads"));
  CHECK(contains(causal.err, "mixes later positions"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path(".")), {}) == 2);
}

}  // namespace linformer
