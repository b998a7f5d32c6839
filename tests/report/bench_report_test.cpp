// SPDX-License-Identifier: MIT
// What is made of a bench with cells in every state.
#include <algorithm>

#include "catch.h"
#include "io/error_of.h"
#include "places.h"
#include "report/bench_json.h"
#include "report/bench_sentence.h"
#include "report/bench_table.h"
#include "report/made_bench.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/bench-1.schema.json";

}  // namespace

TEST_CASE("A bench report with cells in every state is what the schema says, with null where nothing is") {
  ReportContext context;
  context.started = "2026-01-31T12:00:00Z";
  const auto report = bench_report(context, {{"level", "attention"}}, "abc", made_bench());
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  const auto& cells = report["results"]["cells"];
  CHECK(cells[0]["median_ns"] == 1.25e6);
  CHECK(cells[0]["reason"].is_null());
  CHECK(cells[1]["median_ns"].is_null());
  CHECK(cells[1]["median_ns_reason"] == "not timed");
  CHECK(cells[1]["error"]["largest_over_largest_output"].is_null());
  CHECK(cells[2]["error"].is_null());
  CHECK(cells[3]["state"] == "too large");
  CHECK(report["checks"]["passed"] == false);
  CHECK(report["checks"]["wrong_cells"] == 1);
  CHECK(report["checks"]["failed_cells"] == 1);
  CHECK(report["warnings"][0]["kind"] == "drift");
  CHECK(report["warnings"][0]["text"] == "noise");
  CHECK(report["results"]["crossovers"][1]["length_reason"] == "never");
  CHECK(report["identity"] == "abc");
  CHECK(cells[0]["level"] == "model");
  CHECK(cells[0]["ratios"][0]["flops_ratio"] == 2.75);
  CHECK(report["results"]["peak_gflops"] == 24);
  CHECK(report["results"]["peaks"].size() == 3);
  CHECK(report["results"]["peaks"][1]["products"] == "f32");
  CHECK(report["results"]["peaks"][2]["products"] == "bf16");
  CHECK(cells[0]["peak_products"] == "f32");
  CHECK(cells[0]["peak_gflops"] == 24);
  CHECK(cells[1]["peak_gflops"].is_null());
  CHECK(report["results"]["scaling"][0]["to_threads"] == 2);
  CHECK(report["results"]["narrowing"][0]["products"] == "bf16");
  CHECK(report["results"]["narrowing"][0]["dtype"] == "f32");
  CHECK(cells[0]["products"] == "f32");
  CHECK(cells[0]["score_deviation"] == 1.25);
  CHECK(cells[2]["score_deviation"].is_null());
}

TEST_CASE("The table of a bench says what is untrained, scaled or missing, and leaves times of these empty") {
  const Table table = bench_table(made_bench());
  REQUIRE(table.rows.size() == 5);
  CHECK(table.rows[0].back() == "untrained, scaled");
  CHECK(table.rows[1].back() == "wrong");
  CHECK(table.rows[2].back() == "interrupted");
  CHECK(table.rows[4].back() == "failed");
  const auto time =
      static_cast<size_t>(std::ranges::find(table.columns, "time", &Column::name) - table.columns.begin());
  CHECK(table.rows[0][time] == "1.25 ms");
  const auto versus = static_cast<size_t>(std::ranges::find(table.columns, "vs flash", &Column::name) -
                                          table.columns.begin());
  CHECK(table.columns[versus + 1].name == "by FLOPs");
  CHECK(table.rows[0][versus] == "2.50x");
  CHECK(table.rows[0][versus + 1] == "2.75x");
  for (size_t i = 1; i < 5; ++i) CHECK(table.rows[i][time].empty());
  const Table longer = bench_long_table(made_bench());
  for (const auto& row : longer.rows) CHECK(row.size() == longer.columns.size());
  CHECK(longer.rows[3][8].empty());
}

TEST_CASE(
    "Cells of both types have a column that tells them apart, and more than the peak only of another type") {
  BenchResult result = made_bench();
  CHECK(bench_table(result).columns[2].name != "dtype");
  result.cells[1] = result.cells[0];
  result.cells[1].cell.dtype = DType::kBF16, result.cells[1].native_bf16 = true;
  for (const size_t i : {size_t{0}, size_t{1}}) result.cells[i].peak_share = 1.5;
  const Table table = bench_table(result);
  REQUIRE(table.columns[2].name == "dtype");
  CHECK(table.rows[1][2] == "bf16");
  const auto share =
      static_cast<size_t>(std::ranges::find(table.columns, "of peak", &Column::name) - table.columns.begin());
  CHECK(table.rows[0][share] == "?");
  CHECK(table.rows[1][share] == "150 %");
  result.cells[1].peak_products = DType::kBF16;
  CHECK(bench_table(result).rows[1][share] == "?");
  const Table narrowing = narrowing_table(result);
  REQUIRE(narrowing.rows.size() == 1);
  CHECK(narrowing.rows[0][5] == "1.50x");
  CHECK(narrowing.rows[0][6] == "?");
  CHECK(narrowing.rows[0].back() == "bf16");
}

TEST_CASE("The sentence of a bench claims what the interval holds, and nothing for several shapes") {
  BenchResult result = made_bench();
  const std::string sentence = bench_sentence(result);
  CHECK(contains(sentence, "2.50x (2.00 to 3.00) faster than flash"));
  CHECK_FALSE(contains(sentence, "1.01x"));
  CHECK(sentence.starts_with("Of roberta-base, at n = 512"));
  CHECK(contains(sentence, "faster than flash from about n = 300 on"));
  result.level = Level::kAttention;
  CHECK(bench_sentence(result).starts_with("Of attention alone, at n = 512"));
  CHECK(scaling_table(result).rows[0][4] == "1.90x");
  result.cells[1].cell.heads = 7;
  CHECK(bench_sentence(result).empty());
  result.cells[1].cell.heads = 4, result.cells[1].cell.dtype = DType::kBF16;
  CHECK(bench_sentence(result).empty());
  CHECK(bench_sentence({}).empty());
}

}  // namespace linformer
