// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "catch.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

ProgramResult analyze(const TemporaryFolder& folder, std::vector<std::string> more) {
  folder.put("ids.jsonl", ids_jsonl(5, 16));
  more.insert(more.begin(), {"analyze-spectrum", "--checkpoint", bert_fixture("masked-lm"), "--ids",
                             "ids.jsonl", "--attention-maps"});
  return run_program(more, {.folder = folder.path()});
}

}  // namespace

TEST_CASE("A report carries the maps of one sequence, as its schema has them, whatever else was asked for") {
  const TemporaryFolder folder;
  const ProgramResult result = analyze(folder, {"3", "--heads", "1,2", "--out", "r.json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const Json report = Json::parse(folder.content("r.json"));
  CHECK(schema_errors(report, schemas() + "/spectrum-1.schema.json") == std::vector<std::string>{});
  CHECK(report["method"]["attention_maps"] == 3);
  const Json& maps = report["results"]["attention_maps"];
  CHECK(maps["sequence"] == 3);
  CHECK(maps["document"] == 3);
  REQUIRE(maps["layers"].size() == 2);
  CHECK(maps["layers"][0]["block_rows"] == 16);
  CHECK(maps["layers"][1]["heads"][1]["head"] == 2);
  CHECK(maps["layers"][1]["heads"][1]["peak"] > 1.0 / 16);
  REQUIRE(
      analyze(folder, {"3", "--heads", "1,2", "--threads", "1", "--batch", "2", "--out", "s.json"}).code ==
      0);
  CHECK(Json::parse(folder.content("s.json"))["results"]["attention_maps"] == maps);
  const ProgramResult shown =
      run_program({"report", "r.json", "--page", "p.html"}, {.folder = folder.path()});
  CHECK(shown.code == 0);
  CHECK(contains(folder.content("p.html"), "\"levels\":\""));
}

TEST_CASE("Maps of a sequence that is not there, or without P, are refused before any computing") {
  const TemporaryFolder folder;
  const ProgramResult beyond = analyze(folder, {"5", "--out", "r.json"});
  CHECK(beyond.code == 2);
  CHECK(contains(beyond.err, "--attention-maps: sequence 5; expected 0 to 4"));
  CHECK(analyze(folder, {"0", "--method", "matrix-free"}).code == 2);
  CHECK(analyze(folder, {"-1"}).code == 2);
  CHECK(folder.entries() == 1);
}

}  // namespace linformer
