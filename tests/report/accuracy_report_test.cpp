// SPDX-License-Identifier: MIT
#include "catch.h"
#include "io/error_of.h"
#include "made_accuracy.h"
#include "places.h"
#include "reopened.h"
#include "report/accuracy_table.h"
#include "schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/accuracy-1.schema.json";

}  // namespace

TEST_CASE("an accuracy report is what its schema says, with null where nothing is") {
  const auto report = made_report(made_accuracy());
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

  AccuracyResult bare = made_accuracy();
  bare.loss.reset();
  bare.loss_name.clear();
  for (CellAccuracy& cell : bare.cells) {
    cell.untrained.reset();
    cell.untrained_layers.clear();
    cell.all_replaced.reset();
    cell.one_replaced.clear();
  }
  const auto less = made_report(bare);
  CHECK(schema_errors(less, kSchema) == std::vector<std::string>{});
  CHECK(less["results"]["loss_nats"].is_null());
  CHECK_FALSE(less["results"]["cells"][0].contains("all_replaced"));
}

TEST_CASE("a report of which a required part is missing is not what the schema says") {
  for (const char* part : {"results", "identity", "checks", "method"}) {
    auto report = made_report(made_accuracy());
    report.erase(part);
    CHECK_FALSE(schema_errors(report, kSchema).empty());
  }
  auto report = made_report(made_accuracy());
  report["results"]["cells"][0].erase("model");
  CHECK_FALSE(schema_errors(report, kSchema).empty());
}

TEST_CASE("the table of replacements has what was measured and no more") {
  AccuracyResult result = made_accuracy();
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
  const std::vector<Table> tables = accuracy_layer_tables(made_accuracy());
  REQUIRE(tables.size() == 3);
  CHECK(tables[0].columns[2].name == "3");
  REQUIRE(tables[0].rows.size() == 2);
  CHECK(tables[0].rows[0] == std::vector<std::string>{"mean-v", "0.500", "0.500"});
  CHECK(tables[0].rows[1] == std::vector<std::string>{"svd:k=4", "0.750", "0.750"});
  CHECK(tables[2].rows[1] == std::vector<std::string>{"svd:k=4", "+0.0625", "+0.0625"});
}

TEST_CASE("the long table has a row for every mean") {
  const Table table = accuracy_long_table(made_accuracy());
  // Of mean-v 3 statistics of heads, else 2: model, 2 layers, 2 heads, and untrained but for heads; of the
  // model 3.
  CHECK(table.rows.size() == (3 + 2 + 2) * 8 + 3 * 3 * 3);
  for (const std::vector<std::string>& row : table.rows) CHECK(row.size() == table.columns.size());
}

}  // namespace linformer
