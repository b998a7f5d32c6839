// SPDX-License-Identifier: MIT
#include "report/reproduction.h"

#include <algorithm>

#include "catch.h"
#include "io/error_of.h"
#include "io/json.h"
#include "places.h"
#include "report/against_paper.h"
#include "report/made_bench.h"
#include "report/made_result.h"
#include "report/paper.h"
#include "report/reopened.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/reproduce-1.schema.json";

ReportContext made_context() {
  ReportContext context;
  context.command = {"linformer", "reproduce"};
  context.started = "2026-01-02T03:04:05Z";
  return context;
}

const ReproducedRow& row_named(const Reproduction& reproduction, const std::string& what) {
  const auto found = std::ranges::find(reproduction.rows, what, &ReproducedRow::what);
  REQUIRE(found != reproduction.rows.end());
  return *found;
}

BenchResult growing_bench() {
  BenchResult result = made_bench();
  result.crossovers.clear();
  result.scaling.clear();
  const LocalSlope linear{.from = 512, .to = 2048, .slope = 1.02, .interval = Interval{1, 1.04}};
  BenchCell standard = result.cells[0].cell;
  standard.mechanism = "standard";
  result.growth = {{.cell = result.cells[0].cell, .slopes = {linear}, .fitted = linear},
                   {.cell = standard,
                    .slopes = {{.from = 1024, .to = 2048, .slope = 1.9, .interval = {}}},
                    .fitted = {.from = 512, .to = 2048, .slope = 1.7, .interval = {}}}};
  return result;
}

}  // namespace

TEST_CASE("The paper's tables are as they were published") {
  const auto table1 = published_table1();
  REQUIRE(table1.size() == 5);
  CHECK(table1.back().architecture == "Linformer");
  CHECK(table1.back().per_layer == "O(n)");
  CHECK_FALSE(table1[3].exponent);
  const auto table2 = published_table2();
  CHECK(table2.size() == 12);
  for (const PublishedAccuracy& row : table2) {
    INFO(row.model);
    // The averages are rounded to hundredths.
    CHECK(row.average == Approx((row.sst2 + row.imdb + row.qnli + row.qqp) / 4).margin(0.0051));
  }
  const auto table3 = published_table3();
  CHECK(table3.size() == 34);
  CHECK(table3.front().time == 1.5);
  CHECK(table3.back().length == 65536);
  CHECK(table3.back().k == 2048);
  CHECK(table3.back().time == 7.9);
  CHECK(table3.back().memory == 18);
}

TEST_CASE("A reproduction is what its schema says, and read back and written again the same to the byte") {
  const Reproduction theorems =
      theorems_reproduction({{.theorem = 1,
                              .head = "made",
                              .n = 512,
                              .d = 64,
                              .epsilon = 0.5,
                              .k = 250,
                              .promised = 0.5,
                              .draws = 8,
                              .kept = 0.25,
                              .median_error = 0.75,
                              .rows_kept = 1,
                              .zero_error = 1},
                             {.theorem = 2, .head = "made", .n = 512, .d = 64, .epsilon = 0.1, .k = 4000}});
  const SpectrumFile spectrum{.file = reopened(made_report(made_result())), .result = made_result()};
  for (const Reproduction& reproduction :
       {theorems, figure1_reproduction(spectrum), figure2_reproduction(growing_bench()),
        table1_reproduction(growing_bench()), table2_reproduction(),
        table3_reproduction(made_bench(), {}, 16000000000)}) {
    INFO(reproduction.target);
    const auto report = reproduce_report(made_context(), reproduction);
    CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
    CHECK_FALSE(reproduction.rows.empty());
    CHECK_FALSE(reproduction.findings.empty());
    CHECK_FALSE(reproduction.trust.empty());
    const ReportFile file = reopened(report);
    CHECK(file.kind == ReportKind::kReproduction);
    CHECK(dump_json(reproduce_report(made_context(), read_reproduction(file))) == dump_json(report));
  }
}

TEST_CASE("Figure 1's two conclusions are numbers with intervals, plain and beyond the control") {
  const SpectrumFile spectrum{.file = reopened(made_report(made_result())), .result = made_result()};
  const Reproduction figure1 = figure1_reproduction(spectrum);
  CHECK(row_named(figure1, "c_M beyond the matched control").here == 0.0625);
  CHECK(row_named(figure1, "the same, layer 6").interval->low == -0.09375);
  CHECK(row_named(figure1, "change of c_M from layer to layer").here == 0.0625);
  REQUIRE(figure1.findings.size() == 2);
  CHECK(contains(figure1.findings[1], "c_M rises with depth (+0.0625 a layer"));
  CHECK(contains(figure1.findings[1], "beyond the matched control neither surely rises nor falls"));
  CHECK(contains(figure1.trust[0], "Not the paper's model"));
  SpectrumResult none = made_result();
  none.sequences = 0;
  CHECK(figure1_reproduction({.file = spectrum.file, .result = none}).rows.empty());
}

TEST_CASE("Table 1 sets measured powers beside the claims, and others are published only") {
  const Reproduction table1 = table1_reproduction(growing_bench());
  CHECK(row_named(table1, "linformer k=4: power of n, over 512 to 2048").ratio() == Approx(1.02));
  CHECK(row_named(table1, "standard: from 1024 to 2048").ratio() == Approx(0.95));
  const ReproducedRow& reformer =
      row_named(table1, "Reformer (Kitaev et al., 2020): power of n in the time of a layer");
  CHECK_FALSE(reformer.published);
  CHECK(reformer.published_words == "O(n log(n))");
  CHECK(contains(reformer.missing, "published only"));
}

TEST_CASE("Figure 2 compares with flat, to which there is no ratio") {
  const Reproduction figure2 = figure2_reproduction(growing_bench());
  const ReproducedRow& row = row_named(figure2, "linformer k=4: power of n in the time, n = 512 to 2048");
  CHECK(row.published == 0.0);
  CHECK_FALSE(row.ratio());
  CHECK(row.interval->high == 1.04);
}

TEST_CASE("Table 3 has time against both exact ones, the largest batches, and what the operations promise") {
  BenchResult result = made_bench();
  result.cells[0].cell.mechanism = "linformer:k=128,sharing=layerwise";
  const auto need = [](const char* mechanism, int64_t n, double flops, int64_t batch) {
    BenchCell cell;
    cell.mechanism = mechanism;
    cell.length = n;
    return CellNeed{.cell = cell, .flops = flops, .largest_batch = batch};
  };
  const Reproduction table3 = table3_reproduction(
      result,
      {need("linformer:k=128,sharing=layerwise", 512, 100, 34), need("standard", 512, 150, 20),
       need("flash", 512, 150, 34), need("linformer:k=128,sharing=layerwise", 65536, 1e4, 1),
       need("standard", 65536, 1e5, 0)},
      16000000000);
  const ReproducedRow& time = row_named(table3, "time saved, n = 512, k = 128, against standard");
  CHECK(time.published == 1.5);
  CHECK(time.here == 1.01);
  CHECK(time.by_operations == 1.5);
  CHECK(time.why.empty());
  const ReproducedRow& fused = row_named(table3, "time saved, n = 512, k = 128, against flash");
  CHECK_FALSE(fused.published);
  CHECK(fused.here == 2.5);
  CHECK(row_named(table3, "memory saved, n = 512, k = 128, against standard").ratio() == Approx(1.0));
  const ReproducedRow& longest = row_named(table3, "memory saved, n = 65536, k = 128, against standard");
  CHECK(longest.missing == "no batch fits: standard");
  CHECK(contains(longest.why, "26 GB in half precision"));
  CHECK(row_named(table3, "time saved, n = 65536, k = 128, against standard").by_operations == 10);
  CHECK(contains(row_named(table3, "time saved, n = 65536, k = 128, against standard").why, "26 GB"));
  const Table table = reproduction_table(table3);
  CHECK(table.columns[4].name == "by operations");
  CHECK(table.rows[0][4] == "1.5");
  const auto report = reproduce_report(made_context(), table3);
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  CHECK(dump_json(reproduce_report(made_context(), read_reproduction(reopened(report)))) ==
        dump_json(report));
  CHECK(row_named(table3, "time saved, n = 1024, k = 512, against standard").missing == "not asked for");
  CHECK(contains(row_named(table3, "time saved, n = 65536, k = 128, against standard").missing, "too long"));
}

TEST_CASE("The long table of a reproduction has numbers and why there are none, each in its column") {
  const Table table = reproduction_long_table(table1_reproduction(growing_bench()));
  for (const std::vector<std::string>& row : table.rows) CHECK(row.size() == table.columns.size());
  const auto reformer = std::ranges::find_if(
      table.rows, [](const std::vector<std::string>& row) { return row[0].starts_with("Reformer"); });
  REQUIRE(reformer != table.rows.end());
  CHECK((*reformer)[1].empty());
  CHECK((*reformer)[2] == "O(n log(n))");
  CHECK((*reformer)[3].empty());
  CHECK(contains((*reformer)[6], "published only"));
}

TEST_CASE("The text of a reproduction begins with the claim and ends with how far to trust it") {
  const Reproduction table1 = table1_reproduction(growing_bench());
  const std::string markdown = reproduction_text(table1, true);
  CHECK(markdown.starts_with("# Table 1"));
  CHECK(contains(markdown, "| what | published | here | ratio | why they differ |"));
  CHECK(contains(markdown, "1.02 (1..1.04)"));
  CHECK(markdown.find("Claimed:") < markdown.find("Found here:"));
  CHECK(markdown.find("Found here:") < markdown.find("How far to trust it:"));
}

}  // namespace linformer
