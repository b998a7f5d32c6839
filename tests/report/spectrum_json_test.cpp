// SPDX-License-Identifier: MIT
#include "report/spectrum_json.h"

#include <limits>

#include "base/error.h"
#include "catch.h"
#include "io/json.h"
#include "places.h"
#include "report/made_result.h"
#include "report/schema_validator.h"

using namespace linformer;

namespace {

const std::string kSchema = schemas() + "/spectrum-1.schema.json";

ReportContext made_context() {
  ReportContext context;
  context.libraries.onednn = "3.7.2";
  context.isa = "avx2";
  context.threads = 2;
  context.settings = {{"OMP_NUM_THREADS", "2"}};
  context.command = {"linformer", "analyze-spectrum"};
  context.started = "2026-01-02T03:04:05Z";
  context.seconds = 7.5;
  context.peak_buffers_bytes = 1 << 20;
  return context;
}

SpectrumReportInput made_input() {
  SpectrumReportInput input;
  input.input = {{"checkpoint", "made"}, {"length", 8}};
  input.identity = "0123abcd";
  input.method = {{"singular_values", "gram"}};
  input.curves_csv = "curves.csv";
  return input;
}

// As a reader gets it: written, and read strictly.
nlohmann::json read_back(const SpectrumResult& result) {
  return parse_json(dump_json(spectrum_report(made_context(), made_input(), result)), "report");
}

void require_valid(const nlohmann::json& report) {
  const auto errors = schema_errors(report, kSchema);
  INFO(Catch::StringMaker<std::vector<std::string>>::convert(errors));
  REQUIRE(errors.empty());
}

const double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a report of complete and of unusual results obeys its schema") {
  require_valid(read_back(made_result()));
  require_valid(read_back(made_result_of_few()));

  SpectrumResult unequal = made_result();
  unequal.equal_length = false;
  unequal.at = unequal.length = 0;
  unequal.checks.smallest_sigma1.reset();
  unequal.checks.verified = 0;
  unequal.comparisons.clear();
  unequal.series[1].heads.clear();
  unequal.complete = false;
  require_valid(read_back(unequal));
}

TEST_CASE("a report on the machine at hand obeys its schema") {
  ReportContext context = made_context();
  context.machine = read_machine();
  require_valid(parse_json(dump_json(spectrum_report(context, made_input(), made_result())), "report"));
}

TEST_CASE("every member of a report that the schema asks for is missed when it is gone") {
  const nlohmann::json report = read_back(made_result());
  for (const auto& [key, value] : report.items()) {
    nlohmann::json broken = report;
    broken.erase(key);
    INFO(key);
    if (key.ends_with("_reason")) continue;
    CHECK_FALSE(schema_errors(broken, kSchema).empty());
  }
}

TEST_CASE("a report with a wrong member deep inside does not obey the schema") {
  nlohmann::json report = read_back(made_result());
  const auto breaks = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json broken = report;
    const nlohmann::json::json_pointer at(pointer);
    REQUIRE(broken.contains(at));
    broken[at] = value;
    return !schema_errors(broken, kSchema).empty();
  };
  const std::string statistic = "/results/series/0/layers/1/heads/2/statistics/cumulative_at_2";
  CHECK(breaks((statistic + "/mean").c_str(), "0.5"));
  CHECK(breaks((statistic + "/mean").c_str(), nullptr));  // no reason
  CHECK(breaks((statistic + "/interval").c_str(), nullptr));
  CHECK(breaks((statistic + "/interval").c_str(), {0.5}));
  CHECK(breaks(statistic.c_str(), 0.5));
  CHECK(breaks("/results/comparisons/0/layers/0/verdict", "low"));
  CHECK(breaks("/results/layers/0", -1));
  CHECK(breaks("/results/at", nullptr));
  CHECK(breaks("/results/sequences", 1.5));
  CHECK(breaks("/checks/passed", 1));
  CHECK(breaks("/checks/smallest_sigma1", nullptr));
  CHECK(breaks("/schema", "linformer/spectrum/2"));
  CHECK(breaks("/started", "yesterday"));
  CHECK(breaks("/machine/threads", 0));

  report["added_later"] = 1;
  report["results"]["added_later"] = 1;
  CHECK(schema_errors(report, kSchema).empty());
}

TEST_CASE("a report has curves of the model, its layers and its heads, to six decimals") {
  SpectrumResult result = made_result();
  result.series[0].layers[1].curves.cumulative[0] = 1 / 3.0;
  const nlohmann::json results = read_back(result)["results"];
  CHECK(results["curves_at"] == nlohmann::json{1, 2, 4, 8});
  const nlohmann::json& own = results["series"][0];
  CHECK(own["model"]["curves"]["cumulative"] == nlohmann::json{0.375, 0.5, 0.75, 1});
  CHECK(own["layers"][1]["curves"]["cumulative"] == nlohmann::json{0.333333, 0.5, 0.75, 1});
  CHECK(own["layers"][1]["heads"][2]["curves"]["energy"] == nlohmann::json{0.703125, 0.875, 0.9375, 1});
}

TEST_CASE("a number that is not finite is null with its reason") {
  SpectrumResult result = made_result();
  result.series[0].layers[1].statistics[3].mean = kNaN;
  result.series[0].layers[1].statistics[3].interval = Interval{kNaN, kNaN};
  result.series[0].layers[1].statistics[3].max = std::numeric_limits<double>::infinity();
  const nlohmann::json report = read_back(result);
  require_valid(report);
  const auto& written = report["results"]["series"][0]["layers"][1]["statistics"]["effective_rank"];
  CHECK(written["mean"].is_null());
  CHECK(written["mean_reason"] == "not a finite number");
  CHECK(written["interval"].is_null());
  CHECK(written["interval_reason"] == "not a finite number");
  CHECK(written["max"].is_null());
  CHECK(written["median"] == 3.5);
}

TEST_CASE("an interval of too few units is null and says how many there are") {
  const nlohmann::json report = read_back(made_result_of_few());
  const auto& written = report["results"]["comparisons"][0]["layers"][0];
  CHECK(written["difference"]["interval"].is_null());
  CHECK(written["difference"]["interval_reason"] == "3 sampling units, an interval needs at least 5");
  CHECK(written["verdict"] == "too-few-units");
}

TEST_CASE("results do not depend on times, checks or how a run came to its end") {
  SpectrumResult resumed = made_result();
  resumed.seconds = {
      .load = 9, .forward = 9, .singular_values = 9, .statistics = 9, .controls = 9, .verify = 9, .total = 9};
  resumed.checks.verified = 99;
  resumed.planned_sequences = 100;
  resumed.stopped_because = "interval narrow enough";
  CHECK(dump_json(spectrum_results(resumed)) == dump_json(spectrum_results(made_result())));
  resumed.series[0].heads[3][2].statistics[0].mean += 1e-15;
  CHECK(dump_json(spectrum_results(resumed)) != dump_json(spectrum_results(made_result())));
}

TEST_CASE("the members of a report come in the order of the design") {
  const auto report = spectrum_report(made_context(), made_input(), made_result());
  std::vector<std::string> keys;
  for (const auto& [key, value] : report.items()) keys.push_back(key);
  CHECK(keys ==
        std::vector<std::string>{
            "schema",  "tool",     "machine", "command",    "started",         "seconds",           "memory",
            "input",   "identity", "method",  "complete",   "stopped_because", "planned_sequences", "summary",
            "results", "checks",   "phases",  "curves_csv", "spectra",         "spectra_reason"});
  CHECK(report["results"]["series"][0]["layers"][1]["layer"] == 2);
  CHECK(report["results"]["series"][0]["model"]["mean_curve_k"]["k99_energy"] == 4);
}

TEST_CASE("a result whose lists do not fit each other is refused") {
  SpectrumResult result = made_result();
  result.series[1].layers.pop_back();
  CHECK_THROWS_AS(spectrum_results(result), Error);
  result = made_result();
  result.series[0].heads[2][1].statistics.pop_back();
  CHECK_THROWS_AS(spectrum_results(result), Error);
  result = made_result();
  result.comparisons[0].verdicts.pop_back();
  CHECK_THROWS_AS(spectrum_results(result), Error);
}
