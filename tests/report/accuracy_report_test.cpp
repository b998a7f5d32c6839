// SPDX-License-Identifier: MIT
#include <limits>

#include "catch.h"
#include "io/error_of.h"
#include "places.h"
#include "report/accuracy_json.h"
#include "report/accuracy_table.h"
#include "schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/accuracy-1.schema.json";

Summary made_summary(double mean, bool interval = true) {
  Summary summary{.mean = mean, .interval = {}, .median = mean, .p95 = mean, .max = mean};
  if (interval) summary.interval = Interval{mean - 0.01, mean + 0.01};
  return summary;
}

HeadAccuracy made_heads(double error, bool divergence) {
  HeadAccuracy accuracy{
      .output_error = made_summary(error), .skill = made_summary(1 - error), .divergence = {}};
  if (divergence) accuracy.divergence = made_summary(std::numeric_limits<double>::infinity(), false);
  return accuracy;
}

// Two layers of one head, and cells of everything that there can be.
AccuracyResult made_result() {
  AccuracyResult result{.layers = {0, 3},
                        .heads = {1},
                        .length = 16,
                        .head_size = 4,
                        .calibration_sequences = 5,
                        .calibration_documents = 2,
                        .sequences = 6,
                        .planned_sequences = 6,
                        .units = 6,
                        .unit = "document",
                        .loss_name = "masked_lm_loss_nats",
                        .loss = made_summary(3.5)};
  for (const int64_t k : {int64_t{0}, int64_t{4}, int64_t{8}}) {
    const double error = k == 0 ? 0.5 : 1 / static_cast<double>(k);
    const AccuracyCell cell{.name = k == 0 ? "mean-v" : "svd:k=" + std::to_string(k),
                            .method = k == 0 ? "mean-v" : "svd",
                            .k = k,
                            .kind = k == 0 ? "approximates" : "optimum",
                            .distribution = k == 0};
    const ModelAccuracy model{.hidden_error = made_summary(error / 2),
                              .loss_increase = made_summary(error / 4),
                              .agreement = made_summary(1 - error / 2)};
    const HeadAccuracy heads = made_heads(error, k == 0);
    result.cells.push_back({.cell = cell,
                            .model = heads,
                            .layers = {heads, heads},
                            .heads = {{heads}, {heads}},
                            .untrained = made_heads(0.9, k == 0),
                            .untrained_layers = {heads, heads},
                            .all_replaced = model,
                            .one_replaced = {model, model}});
  }
  return result;
}

nlohmann::ordered_json report_of(const AccuracyResult& result) {
  ReportContext context;
  context.started = "2026-01-31T12:00:00Z";
  return accuracy_report(context,
                         {.input = nlohmann::ordered_json::object(),
                          .identity = "00",
                          .method = nlohmann::ordered_json::object()},
                         result);
}

}  // namespace

TEST_CASE("an accuracy report is what its schema says, with null where nothing is") {
  const auto report = report_of(made_result());
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  const auto& cells = report["results"]["cells"];
  CHECK(cells[0]["k"].is_null());
  CHECK(cells[0]["model"]["divergence_nats"]["mean"].is_null());
  CHECK(cells[1]["k"] == 4);
  CHECK_FALSE(cells[1]["model"].contains("divergence_nats"));
  CHECK(cells[1]["layers"][1]["layer"] == 3);
  CHECK(cells[1]["layers"][1]["heads"][0]["head"] == 1);
  CHECK(cells[1]["all_replaced"]["loss_increase_nats"]["mean"] == 0.0625);
  CHECK(report["fitted"].is_null());

  AccuracyResult bare = made_result();
  bare.loss.reset();
  bare.loss_name.clear();
  for (CellAccuracy& cell : bare.cells) {
    cell.untrained.reset();
    cell.untrained_layers.clear();
    cell.all_replaced.reset();
    cell.one_replaced.clear();
  }
  const auto less = report_of(bare);
  CHECK(schema_errors(less, kSchema) == std::vector<std::string>{});
  CHECK(less["results"]["loss_nats"].is_null());
  CHECK_FALSE(less["results"]["cells"][0].contains("all_replaced"));
}

TEST_CASE("a report of which a required part is missing is not what the schema says") {
  for (const char* part : {"results", "identity", "checks", "method"}) {
    auto report = report_of(made_result());
    report.erase(part);
    CHECK_FALSE(schema_errors(report, kSchema).empty());
  }
  auto report = report_of(made_result());
  report["results"]["cells"][0].erase("model");
  CHECK_FALSE(schema_errors(report, kSchema).empty());
}

TEST_CASE("the table of replacements has what was measured and no more") {
  AccuracyResult result = made_result();
  const Table table = accuracy_table(result);
  CHECK(table.columns.size() == 10);
  CHECK(table.rows[1] == std::vector<std::string>{"svd", "4", "optimum", "0.250 ± 0.010", "0.750", "",
                                                  "0.100", "0.125", "0.062 ± 0.010", "0.875"});
  CHECK(table.rows[0][1].empty());
  for (CellAccuracy& cell : result.cells) cell.untrained.reset(), cell.all_replaced.reset();
  CHECK(accuracy_table(result).columns.size() == 6);
  CHECK(contains(accuracy_preface(result), "3.5000 ± 0.0100 nats"));
  CHECK(contains(accuracy_preface(result), "2 documents other than"));
}

TEST_CASE("layers are shown at the k nearest to a quarter of the length") {
  const std::vector<Table> tables = accuracy_layer_tables(made_result());
  REQUIRE(tables.size() == 3);
  CHECK(tables[0].columns[2].name == "3");
  REQUIRE(tables[0].rows.size() == 2);
  CHECK(tables[0].rows[0] == std::vector<std::string>{"mean-v", "0.500", "0.500"});
  CHECK(tables[0].rows[1] == std::vector<std::string>{"svd:k=4", "0.750", "0.750"});
  CHECK(tables[2].rows[1] == std::vector<std::string>{"svd:k=4", "+0.0625", "+0.0625"});
}

TEST_CASE("the long table has a row for every mean") {
  const Table table = accuracy_long_table(made_result());
  // Of mean-v 3 statistics of heads, else 2: model, 2 layers, 2 heads, and untrained but for heads; of the
  // model 3.
  CHECK(table.rows.size() == (3 + 2 + 2) * 8 + 3 * 3 * 3);
  for (const std::vector<std::string>& row : table.rows) CHECK(row.size() == table.columns.size());
}

}  // namespace linformer
