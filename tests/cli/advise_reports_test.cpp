// SPDX-License-Identifier: MIT
// advise from the reports of its parts.
#include <algorithm>
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

// Reports on the model that is built in, at n = 32, made once for all tests.
class Reports {
 public:
  static const Reports& get() {
    static const Reports all;
    return all;
  }

  std::string path(const std::string& name) const { return folder_.path(name); }
  ProgramResult advise(std::vector<std::string> more) const {
    more.insert(more.begin(), "advise");
    more.insert(more.end(), {"--out", "-", "--quiet"});
    return run_program(more, {.folder = folder_.path("")});
  }
  // Of all of them, one perhaps in another's place.
  ProgramResult advise_from(const std::string& accuracy, const std::string& spectrum,
                            const std::vector<std::string>& benches) const {
    std::vector<std::string> arguments = {"--accuracy", accuracy, "--spectrum", spectrum, "--bench"};
    arguments.insert(arguments.end(), benches.begin(), benches.end());
    return advise(arguments);
  }

 private:
  Reports() {
    const std::vector<std::string> text = {"--length", "32", "--sequences", "12"};
    const std::vector<std::string> accuracy = {
        "accuracy", "--mechanisms", "flash;nystrom;fitted;local", "--k", "4,16", "--control", "none"};
    const std::vector<std::string> model = {
        "bench", "--lengths", "32",       "--mechanisms", "flash;linformer:sharing=none;nystrom",
        "--k",   "4,16",      "--budget", "0.4s"};
    make("accuracy.json", accuracy, text);
    make("heads.json", accuracy, {"--length", "32", "--sequences", "12", "--no-model"});
    make("spectrum.json", {"analyze-spectrum", "--control", "matched"}, text);
    make("fewer.json", {"analyze-spectrum", "--control", "matched"}, {"--length", "32", "--sequences", "5"});
    make("model.json", model, {"--level", "model", "--model", "layers=4,width=192,heads=3,ffn=512"});
    make("wider.json", model, {"--level", "model", "--model", "layers=4,width=256,heads=4,ffn=512"});
    make("attention.json",
         {"bench", "--mechanisms", "flash;linformer:k=4,sharing=none", "--lengths", "8..64*2"},
         {"--num-heads", "3", "--budget", "0.4s"});
    make("other-heads.json",
         {"bench", "--mechanisms", "flash;linformer:k=4,sharing=none", "--lengths", "8..64*2"},
         {"--num-heads", "2", "--budget", "0.4s"});
  }
  void make(const std::string& name, std::vector<std::string> arguments,
            const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--out", folder_.path(name)});
    const ProgramResult result = run_program(arguments, {.folder = folder_.path("")});
    INFO(name << ": " << result.err);
    REQUIRE(result.code == 0);
  }

  TemporaryFolder folder_;
};

// Refused as a usage error that says all of these.
void check_refused(const ProgramResult& result, const std::vector<std::string>& parts) {
  INFO(result.err);
  CHECK(result.code == 2);
  for (const std::string& part : parts) CHECK(contains(result.err, part));
}

}  // namespace

TEST_CASE("advise from reports runs nothing, and says what these say") {
  const Reports& reports = Reports::get();
  const ProgramResult result =
      reports.advise_from("accuracy.json", "spectrum.json", {"model.json", "attention.json"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto advice = parse_json(result.out, "stdout");
  CHECK(schema_errors(advice, schemas() + "/advise-1.schema.json") == std::vector<std::string>{});
  const auto read = [&](const char* name) { return parse_json(read_text(reports.path(name)), name); };
  const auto accuracy = read("accuracy.json"), spectrum = read("spectrum.json"), model = read("model.json");
  CHECK(advice["input"] == accuracy["input"]);
  CHECK(advice["method"]["read"].size() == 4);
  CHECK(advice["method"]["read"][0]["identity"] == accuracy["identity"]);
  const auto& points = advice["results"]["points"];
  const double loss = accuracy["results"]["loss_nats"]["mean"];
  size_t found = 0;
  for (const auto& point : points) {
    for (const auto& cell : accuracy["results"]["cells"]) {
      if (cell["name"] != point["name"] || cell["name"] == "flash") continue;
      const double increase = cell["all_replaced"]["loss_increase_nats"]["mean"];
      CHECK(point["increase"].get<double>() == Approx(increase / loss));
      ++found;
    }
    for (const auto& cell : model["results"]["cells"])
      if (cell["mechanism"] == point["name"]) CHECK(point["time_ns"] == cell["median_ns"]);
  }
  CHECK(found == 4);  // two ks of nystrom and fitted
  CHECK(advice["results"]["layers"][2]["cumulative"] ==
        spectrum["results"]["series"][0]["layers"][2]["statistics"]["cumulative_at_8"]["mean"]);
  CHECK(advice["results"]["crossover_mechanism"] == "linformer:k=4,sharing=none");
  if (points.back()["name"] == "by layer") CHECK(points.back()["increase_estimated"] == true);
}

TEST_CASE("advise runs what no report was given of, on the same input") {
  const Reports& reports = Reports::get();
  const ProgramResult result =
      reports.advise({"--spectrum", "spectrum.json", "--bench", "model.json", "--length", "32", "--sequences",
                      "12", "--budget", "0.4s", "--k", "4,16"});
  INFO(result.err);
  REQUIRE(result.code == 0);
  const auto advice = parse_json(result.out, "stdout");
  CHECK(advice["method"]["read"].size() == 2);
  CHECK(advice["results"]["points"].size() >= 7);
  CHECK(advice["results"]["points"].back()["increase_estimated"] == false);
}

TEST_CASE("advise refuses reports that do not belong together, and says what differs") {
  const Reports& reports = Reports::get();
  check_refused(reports.advise_from("accuracy.json", "fewer.json", {"model.json"}),
                {"fewer.json", "sequences 5, not 12"});
  check_refused(reports.advise_from("accuracy.json", "spectrum.json", {"wider.json"}),
                {"wider.json", "heads 4, not 3", "width 256, not 192"});
  check_refused(reports.advise_from("accuracy.json", "spectrum.json", {"model.json", "other-heads.json"}),
                {"other-heads.json", "h = 2"});
  check_refused(reports.advise_from("accuracy.json", "spectrum.json", {"model.json", "model.json"}),
                {"a second bench"});
  check_refused(reports.advise_from("heads.json", "spectrum.json", {"model.json"}),
                {"heads.json", "without --no-layers and --no-model"});
  check_refused(reports.advise_from("spectrum.json", "spectrum.json", {"model.json"}),
                {"spectrum.json", "a report of accuracy"});
  check_refused(reports.advise({"--spectrum", "spectrum.json", "--length", "16", "--sequences", "12"}),
                {"spectrum.json", "the same checkpoint and sequences"});
  check_refused(reports.advise({"--accuracy", "accuracy.json", "--k", "4"}), {"--k"});
  CHECK(reports.advise_from("missing.json", "spectrum.json", {"model.json"}).code == 3);
}

}  // namespace linformer
