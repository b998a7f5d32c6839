// SPDX-License-Identifier: MIT
#include <string>

#include "catch.h"
#include "places.h"
#include "report/batch_fit_json.h"
#include "report/batch_fit_table.h"
#include "report/made_bench.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/batch-fit-1.schema.json";

}  // namespace

TEST_CASE(
    "A report of what fits is what its schema says, with null and the reason where there is no number") {
  ReportContext context;
  context.started = "2026-01-31T12:00:00Z";
  const auto report = batch_fit_report(context, {{"level", "layer"}}, "abc", made_batch_fit());
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  const auto& cells = report["results"]["cells"];
  CHECK(cells[0]["largest_batch"] == 40);
  CHECK(cells[0]["bytes_per_sequence"] == 2048.5);
  CHECK(cells[0]["ratios"][0]["largest_batch"].is_null());
  CHECK(cells[1]["largest_batch"].is_null());
  CHECK(cells[1]["largest_batch_reason"] == "not even one sequence fits");
  CHECK(cells[1]["probabilities_kept"] == true);
  CHECK(cells[1]["logits_kept_beside"] == false);
  CHECK(cells[2]["one_sequence_bytes"].is_null());
  CHECK(cells[2]["bytes_per_sequence_reason"] == "too many slots");
  CHECK(report["checks"]["passed"] == true);
  CHECK(report["checks"]["measured_cells"] == 1);
  CHECK(report["checks"]["largest_difference"] == 0.005);
  CHECK(report["warnings"][0]["kind"] == "threads");
}

TEST_CASE("The check of what fits fails beyond its tolerance and has no number where nothing was measured") {
  BatchFitResult result = made_batch_fit();
  result.fits[0].measured[1].measured = 2100;
  CHECK_FALSE(passed(result));
  result.fits.erase(result.fits.begin());
  const auto report = batch_fit_report({}, {}, "abc", result);
  CHECK(report["checks"]["passed"] == true);
  CHECK(report["checks"]["largest_difference"].is_null());
}

TEST_CASE("The table of what fits says how far off calls were, what does not fit and what cannot be") {
  const Table table = batch_fit_table(made_batch_fit());
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0][5] == "2.0 KiB");
  CHECK(table.rows[0][6] == "40");
  CHECK(table.rows[0][8] == "4.50x");
  CHECK(table.rows[0][9] == "0.50 %");
  CHECK(table.rows[1][6] == "none");
  CHECK(table.rows[1][9] == "not measured");
  CHECK(table.rows[2].back() == "unsupported");
  const Table longer = batch_fit_long_table(made_batch_fit());
  for (const auto& row : longer.rows) CHECK(row.size() == longer.columns.size());
  CHECK(longer.rows[0][10] == "2048.5");
  CHECK(longer.rows[2][13] == "too many slots");
}

}  // namespace linformer
