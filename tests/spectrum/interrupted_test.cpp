// SPDX-License-Identifier: MIT
// What is reported of a run that was stopped before its first batch.
#include "catch.h"
#include "io/json.h"
#include "made_source.h"
#include "places.h"
#include "report/schema_validator.h"
#include "report/spectrum_csv.h"
#include "report/spectrum_json.h"

namespace linformer {
namespace {

using Json = nlohmann::json;

const std::string kSchema = schemas() + "/spectrum-1.schema.json";

SpectrumResult stopped_at_once(const std::vector<int64_t>& lengths) {
  StopFlag stop;
  stop.request();
  testing::MadeSource source(lengths, testing::own_documents(std::ssize(lengths)));
  return testing::analyse(source, {.controls = {"matched", "permuted"}}, {}, 1, &stop);
}

Json report_of(const SpectrumResult& result) {
  ReportContext context;
  context.started = "2026-01-02T03:04:05Z";
  const SpectrumReportInput input{
      .input = Json::object(), .identity = "0", .method = Json::object(), .curves_csv = {}, .spectra = {}};
  return parse_json(dump_json(spectrum_report(context, input, result)), "report");
}

std::string curves_of(const SpectrumResult& result) {
  std::string text;
  write_curves_csv(result, [&](std::string_view rows) { text += rows; });
  return text;
}

void check_nothing(const Json& summary) {
  for (const char* key : {"mean", "median", "p95", "max"}) {
    INFO(key);
    CHECK(summary.at(key).is_null());
    CHECK(summary.at(std::string(key) + "_reason") == "no sequence was analysed");
  }
  CHECK(summary.at("interval").is_null());
  CHECK(summary.at("interval_reason") == "0 sampling units, an interval needs at least 5");
}

void check_nothing_of(const Json& part) {
  CHECK(part.at("mean_curve_k").empty());
  CHECK_FALSE(part.at("statistics").empty());
  for (const Json& summary : part.at("statistics")) check_nothing(summary);
}

}  // namespace

TEST_CASE("a report of no sequence has null for every number and says why") {
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{16, 16, 16}, {12, 16}}) {
    const SpectrumResult result = stopped_at_once(lengths);
    REQUIRE(result.sequences == 0);
    const Json report = report_of(result);
    CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
    CHECK(report.at("complete") == false);
    const Json& results = report.at("results");
    CHECK(results.at("series").size() == 4);
    for (const Json& series : results.at("series")) {
      check_nothing_of(series.at("model"));
      for (const Json& layer : series.at("layers")) {
        check_nothing_of(layer);
        for (const Json& head : layer.at("heads")) check_nothing_of(head);
      }
    }
    CHECK(results.at("comparisons").size() == 2);
    for (const Json& comparison : results.at("comparisons")) {
      check_nothing(comparison.at("model").at("difference"));
      for (const Json& layer : comparison.at("layers")) {
        check_nothing(layer.at("difference"));
        CHECK(layer.at("verdict") == "too-few-units");
        for (const Json& head : layer.at("heads")) check_nothing(head.at("difference"));
      }
    }
    for (const char* key :
         {"largest_norm_error", "smallest_sigma1", "smallest_sigma1_ratio", "largest_verified_error"}) {
      INFO(key);
      CHECK(report.at("checks").at(key).is_null());
      CHECK(report.at("checks").contains(std::string(key) + "_reason"));
    }
  }
}

TEST_CASE("the curves of no sequence are a header line") {
  CHECK(curves_of(stopped_at_once({16, 16})) == "layer,head,series,statistic,m,value\n");
  CHECK(curves_of(stopped_at_once({12, 16})) == "layer,head,series,statistic,m_over_n,value\n");
}

}  // namespace linformer
