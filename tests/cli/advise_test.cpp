// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

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

const std::string kSchema = schemas() + "/advise-1.schema.json";

std::vector<std::string> quick(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"advise", "--length", "32",       "--sequences", "12",
                                        "--k",    "4,16",     "--budget", "0.4s"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

ProgramRun here(const TemporaryFolder& folder) { return {.folder = folder.path("")}; }

}  // namespace

TEST_CASE("advise gives layers, ways to run the model and a verdict, and a report that its schema accepts") {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(quick({"--out", "a.json"}), here(folder));
  INFO(result.err);
  REQUIRE(result.code == 0);
  for (const char* part : {"the smallest k of each layer", "the whole model", "flash",
                           "fitted:k=16,sharing=head", "bounds without training"})
    CHECK(contains(result.out, part));
  const auto report = parse_json(read_text(folder.path("a.json")), "report");
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  CHECK(report["results"]["goal"] == "loss");
  CHECK(report["results"]["layers"].size() == 4);
  CHECK(report["results"]["points"][0]["name"] == "flash");
  CHECK(report["results"]["points"].size() >= 5);
}

TEST_CASE("a goal that everything meets lets every layer have the smallest k") {
  const TemporaryFolder folder;
  const ProgramResult result =
      run_program(quick({"--loss-increase", "100%", "--out", "-", "--quiet"}), here(folder));
  REQUIRE(result.code == 0);
  const auto report = parse_json(result.out, "stdout");
  for (const auto& point : report["results"]["points"]) CHECK(point["increase"] < 1);
  CHECK(report["results"]["points"].back()["name"] == "by layer");
}

TEST_CASE("advise refuses goals that are none, before it opens anything") {
  const TemporaryFolder folder;
  CHECK(run_program(quick({"--loss-increase", "abc", "--checkpoint", "missing"}), here(folder)).code == 2);
  CHECK(run_program(quick({"--loss-increase", "-1%"}), here(folder)).code == 2);
  CHECK(run_program(quick({"--hidden-error", "ten"}), here(folder)).code == 2);
  CHECK(run_program(quick({"--budget", "0"}), here(folder)).code == 2);
  CHECK(run_program(quick({"--k", "64"}), here(folder)).code == 2);
}

}  // namespace linformer
