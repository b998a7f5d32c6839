// SPDX-License-Identifier: MIT
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "io/error_of.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "program.h"

namespace linformer {
namespace {

// Reports of both kinds, small, and what the commands printed.
class ReportFolder {
 public:
  ReportFolder() {
    spectrum_ = run({"analyze-spectrum", "--checkpoint", bert_fixture("masked-lm"), "--ids",
                     folder_.put("ids.jsonl", ids_jsonl(6, 12)), "--out", "s.json", "--format", "markdown"});
    bench_ = run({"bench", "--lengths", "32,64", "--num-heads", "2", "--head-size", "16", "--k", "4",
                  "--budget", "0.1s", "--out", "b.json", "--format", "markdown"});
    REQUIRE(spectrum_.code == 0);
    REQUIRE(bench_.code == 0);
  }

  ProgramResult run(const std::vector<std::string>& arguments) const {
    return run_program(arguments, {.folder = folder_.path()});
  }

  const TemporaryFolder& folder() const { return folder_; }
  const ProgramResult& spectrum() const { return spectrum_; }
  const ProgramResult& bench() const { return bench_; }

 private:
  TemporaryFolder folder_;
  ProgramResult spectrum_, bench_;
};

}  // namespace

TEST_CASE("report shows a report as the command did that made it") {
  const ReportFolder made;
  CHECK(made.run({"report", "s.json", "--format", "markdown"}).out == made.spectrum().out);
  CHECK(made.run({"report", "b.json", "--format", "markdown"}).out == made.bench().out);
  CHECK(made.run({"report", "s.json", "--format", "json"}).out == made.folder().content("s.json"));
  const ProgramResult csv = made.run({"report", "b.json", "--format", "csv"});
  CHECK(csv.out.starts_with("mechanism,length,batch"));
  const ProgramResult both = made.run({"report", "s.json", "b.json"});
  CHECK(both.code == 0);
  CHECK(both.out.starts_with("s.json: 20"));
  CHECK(contains(both.out, "\n\nb.json: 20"));
  CHECK(contains(both.out, "--budget 0.1s"));
}

TEST_CASE("report shows accuracy, advice and what fits as their commands did, and draws them") {
  const TemporaryFolder folder;
  const auto run = [&](const std::vector<std::string>& arguments) {
    const ProgramResult result = run_program(arguments, {.folder = folder.path()});
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result.out;
  };
  const std::vector<std::string> text = {"--length", "32",   "--sequences", "12",
                                         "--k",      "4,16", "--format",    "markdown"};
  const auto with_text = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), text.begin(), text.end());
    return run(arguments);
  };
  const std::string accuracy = with_text(
      {"accuracy", "--mechanisms", "flash;mean-v;svd;fitted", "--control", "none", "--out", "a.json"});
  const std::string advice = with_text({"advise", "--budget", "0.4s", "--out", "v.json"});
  const std::string fits =
      run({"bench", "--fit-batch", "4MB", "--lengths", "32,64", "--num-heads", "2", "--head-size", "16",
           "--k", "4", "--budget", "0.1s", "--out", "f.json", "--format", "markdown"});
  CHECK(run({"report", "a.json", "--format", "markdown"}) == accuracy);
  CHECK(run({"report", "v.json", "--format", "markdown"}) == advice);
  CHECK(run({"report", "f.json", "--format", "markdown"}) == fits);
  CHECK(run({"report", "v.json", "--format", "csv"}).starts_with("name,k_of_layers,increase,"));
  CHECK(contains(run({"report", "a.json", "--format", "csv"}),
                 "\nsvd:k=4,svd,4,optimum,all,,,loss_increase_nats,"));
  CHECK(run({"report", "f.json", "--format", "json"}) == folder.content("f.json"));
  run({"report", "a.json", "v.json", "f.json", "--figures", "g", "--page", "p.html"});
  for (const char* name : {"a-error", "a-skill", "a-loss", "a-sensitivity", "v-pareto", "f-batch"})
    CHECK(contains(folder.content(std::string("g/") + name + ".svg"), "<svg"));
  CHECK(contains(folder.content("p.html"), "linformer/advise/1"));
}

TEST_CASE("report shows and draws spectra that were found without P, with their curves beside them") {
  const TemporaryFolder folder;
  const auto run = [&](const std::vector<std::string>& arguments) {
    const ProgramResult result = run_program(arguments, {.folder = folder.path()});
    INFO(result.err);
    REQUIRE(result.code == 0);
    return result.out;
  };
  const std::string shown = run({"analyze-spectrum", "--lengths", "32,64", "--sequences", "1", "--values",
                                 "6", "--out", "c.json", "--format", "markdown"});
  REQUIRE(std::filesystem::exists(folder.path("c.curves.csv")));
  CHECK(run({"report", "c.json", "--format", "markdown"}) == shown);
  run({"report", "c.json", "--figures", "g", "--page", "p.html"});
  CHECK(contains(folder.content("g/c-energy.dat"), "# n = 64: m, middle and ends of the interval"));
  CHECK(contains(folder.content("g/c-energy.svg"), "<svg"));
}

TEST_CASE("report refuses what it cannot show, with the code for it") {
  const ReportFolder made;
  const ProgramResult two = made.run({"report", "s.json", "b.json", "--format", "csv"});
  CHECK(two.code == 2);
  CHECK(contains(two.err, "csv or json with several reports"));
  CHECK(made.run({"report"}).code == 2);
  CHECK(made.run({"report", "none.json"}).code == 3);
  CHECK(made.run({"report", "ids.jsonl"}).code == 3);
  made.folder().put("new.json", "{\"schema\": \"linformer/spectrum/9\"}");
  CHECK(made.run({"report", "new.json"}).code == 4);
}

TEST_CASE("report writes one page of all reports, and nothing else") {
  const ReportFolder made;
  const ProgramResult page = made.run({"report", "s.json", "b.json", "--page", "p.html"});
  CHECK(page.code == 0);
  CHECK(page.out == made.run({"report", "s.json", "b.json"}).out);
  const std::string text = made.folder().content("p.html");
  CHECK(text.starts_with("<!doctype html>"));
  CHECK(text.ends_with("</html>\n"));
  CHECK(contains(text, R"([{"name":"s","report":{"schema":"linformer/spectrum/1",)"));
  CHECK(contains(text, R"({"name":"b","report":{"schema":"linformer/bench/1",)"));
}

TEST_CASE("a page is refused where it would replace a report, and where it cannot be written") {
  const ReportFolder made;
  const std::string report = made.folder().content("s.json");
  const ProgramResult itself = made.run({"report", "s.json", "--page", "s.json"});
  CHECK(itself.code == 2);
  CHECK(contains(itself.err, "--page: s.json, which is one of the reports"));
  CHECK(made.folder().content("s.json") == report);
  CHECK(made.run({"report", "s.json", "--page", "nowhere/p.html"}).code == 6);
  CHECK(made.run({"report", "--compare", "s.json", "s.json", "--page", "p.html"}).code == 2);
}

TEST_CASE("report draws pictures beside their scripts and data, which are the same every time") {
  const ReportFolder made;
  if (made.run({"report", "s.json", "--figures", "f", "--quiet"}).code != 0) {
    WARN("skipped: gnuplot is not installed");
    return;
  }
  const ProgramResult again = made.run({"report", "s.json", "b.json", "--figures", "deep/g"});
  REQUIRE(again.code == 0);
  CHECK(contains(again.err, "7 figures in deep/g"));
  for (const char* name : {"s-cumulative", "s-layers", "s-scree", "s-heat-map", "s-k90"}) {
    for (const char* ending : {".gp", ".dat"}) {
      const std::string file = std::string(name) + ending;
      CHECK(made.folder().content("f/" + file) == made.folder().content("deep/g/" + file));
      CHECK_FALSE(made.folder().content("f/" + file).empty());
    }
  }
  for (const char* name : {"s-cumulative", "s-heat-map", "b-time", "b-memory"}) {
    CHECK(contains(made.folder().content(std::string("deep/g/") + name + ".svg"), "<svg"));
    CHECK(made.folder().content(std::string("deep/g/") + name + ".pdf").starts_with("%PDF"));
  }
  CHECK(contains(made.folder().content("deep/g/b-saved.md"), "Memory saved against flash"));
}

TEST_CASE("Without gnuplot report leaves scripts and data, and says what to install") {
  const ReportFolder made;
  const ProgramResult result =
      run_program({"report", "b.json", "--figures", "f"},
                  {.folder = made.folder().path(), .environment = {{"PATH", made.folder().path()}}});
  CHECK(result.code == 1);
  CHECK(contains(result.err, "gnuplot-nox"));
  CHECK_FALSE(made.folder().content("f/b-time.gp").empty());
  CHECK_FALSE(made.folder().content("f/b-time.dat").empty());
  CHECK(made.run({"report", "b.json", "--figures", "b.json"}).code == 6);
}

TEST_CASE("report compares two reports, and a regression is exit code 1") {
  const ReportFolder made;
  const ProgramResult same = made.run({"report", "--compare", "b.json", "b.json"});
  CHECK(same.code == 0);
  CHECK(contains(same.out, "between-run variance unknown"));
  auto slow = nlohmann::ordered_json::parse(made.folder().content("b.json"));
  for (auto& cell : slow["results"]["cells"])
    for (auto& sample : cell["samples_ns"]) sample = 100 * sample.get<double>();
  made.folder().put("slow.json", dump_json(slow));
  const ProgramResult slower = made.run({"report", "--compare", "b.json", "slow.json"});
  CHECK(slower.code == 1);
  CHECK(contains(slower.err, "6 regressions beyond 5%"));
  CHECK(made.run({"report", "--compare", "slow.json", "b.json"}).code == 0);
  slow["machine"]["cpu"] = "another";
  made.folder().put("slow.json", dump_json(slow));
  const ProgramResult refused = made.run({"report", "--compare", "slow.json", "b.json"});
  CHECK(refused.code == 2);
  CHECK(contains(refused.err, "machine.cpu"));
  CHECK(made.run({"report", "--compare", "slow.json", "b.json", "--force"}).code == 0);
  CHECK(made.run({"report", "--compare", "s.json", "b.json", "--force"}).code == 2);
  CHECK(made.run({"report", "--compare", "s.json"}).code == 2);
}

TEST_CASE("A folder of reports and files with commas are launches of one side") {
  const ReportFolder made;
  std::filesystem::create_directory(made.folder().path("a"));
  std::string listed;
  for (int i = 0; i < 5; ++i) {
    const std::string name = "a/" + std::to_string(i) + ".json";
    made.folder().put(name, made.folder().content("b.json"));
    listed += (i > 0 ? "," : "") + name;
  }
  const ProgramResult result = made.run({"report", "--compare", "a", listed, "--format", "csv"});
  CHECK(result.code == 0);
  CHECK(contains(result.out, ",1.000,1.000..1.000,~\n"));
  std::filesystem::create_directory(made.folder().path("empty"));
  CHECK(made.run({"report", "--compare", "a", "empty"}).code == 3);
}

}  // namespace linformer
