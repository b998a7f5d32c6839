// SPDX-License-Identifier: MIT
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "io/error_of.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "places.h"
#include "program.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/reproduce-1.schema.json";

// A small model over few ids, a small encoder over short lengths.
ProgramResult reproduce(const TemporaryFolder& folder, const std::string& target) {
  folder.put("ids.jsonl", ids_jsonl(6, 12));
  return run_program({"reproduce", target, "--checkpoint", bert_fixture("masked-lm"), "--ids", "ids.jsonl",
                      "--model", "layers=2,width=32,heads=2,ffn=64", "--lengths", "32,64,128", "--k", "8,16",
                      "--budget", "2s", "--out", "r"},
                     {.folder = folder.path()});
}

}  // namespace

TEST_CASE("reproduce all leaves a report that its schema accepts, a README and reports for each target") {
  const TemporaryFolder folder;
  const ProgramResult result = reproduce(folder, "all");
  INFO(result.err);
  // 1 only where there is no gnuplot.
  REQUIRE((result.code == 0 || contains(result.err, "gnuplot is not installed")));
  for (const char* target : {"figure1", "figure2", "table1", "table2", "table3", "theorems"}) {
    INFO(target);
    const std::string place = std::string("r/") + target;
    const auto report = parse_json(folder.content(place + "/reproduce.json"), target);
    CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
    CHECK(report["target"] == target);
    const std::string readme = folder.content(place + "/README.md");
    CHECK(contains(readme, "Made by `"));
    CHECK(contains(readme, "| what | published | here | ratio | why they differ |"));
    for (const auto& beside : report["reports"])
      CHECK(std::filesystem::exists(folder.path(place + "/" + beside.get<std::string>())));
  }
  CHECK(contains(folder.content("r/figure2/README.md"), "![bench-time](bench-time.svg)"));
  const std::string page = folder.content("r/page.html");
  for (const char* part :
       {"\"name\":\"table3/reproduce\"", "\"name\":\"table3/bench\"", "\"name\":\"table2/reproduce\"",
        "\"name\":\"figure1/spectrum\"", "\"attention_maps\":{"})
    CHECK(contains(page, part));
  CHECK_FALSE(folder.content("r/figure1/spectrum-heat-map.gp").empty());
  const ProgramResult shown =
      run_program({"report", "r/table1/reproduce.json", "--format", "csv"}, {.folder = folder.path()});
  CHECK(shown.code == 0);
  CHECK(shown.out.starts_with("what,published,published_reason,here,low,high,"));
  CHECK(run_program({"report", "--compare", "r/table1/reproduce.json", "r/table1/reproduce.json", "--force"},
                    {.folder = folder.path()})
            .code == 2);
}

TEST_CASE("reproduce does one target, and refuses others by name") {
  const TemporaryFolder folder;
  const ProgramResult one = reproduce(folder, "table2");
  CHECK(one.code == 0);
  CHECK(contains(one.out, "Table 2"));
  CHECK_FALSE(std::filesystem::exists(folder.path("r/table1")));
  CHECK(contains(folder.content("r/table2/page.html"), "\"name\":\"reproduce\""));
  CHECK(contains(folder.content("r/table2/README.md"), "`page.html`, which is made with it"));
  const ProgramResult odd = reproduce(folder, "table4");
  CHECK(odd.code == 2);
  CHECK(contains(odd.err, "table3"));
  folder.put("r/figure2", "a file in the way");
  CHECK(reproduce(folder, "figure2").code == 6);
}

}  // namespace linformer
