// SPDX-License-Identifier: MIT
// Reports read back: nothing of them is lost, and what is wrong with one is said with its place.
#include "report/report_file.h"

#include "catch.h"
#include "io/error_of.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "report/accuracy_read.h"
#include "report/advise_read.h"
#include "report/batch_fit_read.h"
#include "report/bench_read.h"
#include "report/made_accuracy.h"
#include "report/made_bench.h"
#include "report/made_result.h"
#include "report/reopened.h"
#include "report/spectrum_csv.h"
#include "report/spectrum_read.h"

namespace linformer {
namespace {

using Json = nlohmann::ordered_json;

std::string written_curves(const SpectrumResult& result) {
  std::string text;
  write_curves_csv(result, [&](std::string_view rows) { text += rows; });
  return text;
}

}  // namespace

TEST_CASE("A spectrum report read back and written again is the same to the byte") {
  SpectrumResult empty = made_result();
  empty.series.clear();
  empty.comparisons.clear();
  SpectrumResult unequal = made_result();
  unequal.equal_length = false;
  unequal.length = unequal.at = 0;
  SpectrumResult mapped = made_result();
  const LayerMaps maps{
      .rows = 9,
      .columns = 3,
      .block_rows = 2,
      .block_columns = 3,
      .heads = std::vector<AttentionMap>(3, {.peak = 0.5, .levels = {0, 255, 7, 1, 2, 254}})};
  mapped.attention_maps = {.sequence = 3, .document = 1, .layers = std::vector<LayerMaps>(4, maps)};
  for (const SpectrumResult& result : {made_result(), made_result_of_few(), empty, unequal, mapped}) {
    const Json report = made_report(result);
    const ReportFile file = reopened(report);
    CHECK(file.kind == ReportKind::kSpectrum);
    CHECK(file.name() == "made");
    CHECK(dump_json(made_report(read_spectrum(file))) == dump_json(report));
  }
}

TEST_CASE("Maps that do not fit their report are named with their place") {
  SpectrumResult mapped = made_result();
  const LayerMaps maps{.rows = 2,
                       .columns = 2,
                       .block_rows = 2,
                       .block_columns = 1,
                       .heads = std::vector<AttentionMap>(3, {.peak = 0.5, .levels = {0, 255}})};
  mapped.attention_maps = {.sequence = 3, .document = 1, .layers = std::vector<LayerMaps>(4, maps)};
  const Json report = made_report(mapped);
  const auto refused = [&](const char* pointer, const Json& value) {
    Json changed = report;
    changed[Json::json_pointer(std::string("/results/attention_maps") + pointer)] = value;
    return message_of([&] { read_spectrum(reopened(changed)); });
  };
  CHECK(contains(refused("/layers/1/heads/2/levels", "AAEC"), "heads[2].levels: \"AAEC\"; expected 2 bytes"));
  CHECK(contains(refused("/layers/1/heads/2/levels", "A?8="), "2 bytes in base64"));
  CHECK(contains(refused("/layers/0/block_rows", 1000000), "1 to 4096 blocks"));
  CHECK(contains(refused("/layers/0/block_rows", -2), "1 to 4096 blocks"));
  CHECK(contains(refused("/layers/0/layer", 1), "layers[0].layer: 1; expected 0"));
  CHECK(contains(refused("/top_level", 15), "top_level: 15; expected 255"));
  CHECK(contains(refused("/layers", Json::array()), "an array of 4"));
}

TEST_CASE("A bench report read back and written again is the same to the byte") {
  BenchResult tokens = made_bench();
  for (CellResult& cell : tokens.cells) cell.cell.tokens = 512;
  tokens.scaling.clear();
  tokens.crossovers.clear();
  const LocalSlope slope{.from = 512, .to = 1024, .slope = 0.25, .interval = Interval{0.125, 0.5}};
  tokens.growth = {{.cell = tokens.cells[0].cell, .slopes = {slope, slope}, .fitted = slope}};
  for (const BenchResult& result : {made_bench(), tokens, BenchResult{}}) {
    const Json report = made_report(result);
    const ReportFile file = reopened(report);
    CHECK(file.kind == ReportKind::kBench);
    CHECK(dump_json(made_report(read_bench(file))) == dump_json(report));
  }
}

TEST_CASE(
    "Reports of accuracy, of advice and of what fits read back and written again are the same to the byte") {
  AccuracyResult few = made_accuracy();
  few.loss.reset();
  few.loss_name.clear();
  for (CellAccuracy& cell : few.cells) {
    cell.untrained.reset(), cell.untrained_layers.clear();
    cell.all_replaced.reset(), cell.one_replaced.clear();
  }
  for (const AccuracyResult& result : {made_accuracy(), few, AccuracyResult{}}) {
    const Json report = made_report(result);
    const ReportFile file = reopened(report);
    CHECK(file.kind == ReportKind::kAccuracy);
    CHECK(dump_json(made_report(read_accuracy(file))) == dump_json(report));
  }
  AdviceResult none = made_advice();
  none.goal.of_loss = false;
  none.loss.reset(), none.crossover_length.reset(), none.rival.clear();
  none.crossover_reason = "never";
  for (const AdviceResult& result : {made_advice(), none}) {
    const Json report = made_report(result);
    CHECK(dump_json(made_report(read_advice(reopened(report)))) == dump_json(report));
  }
  const Json fits = made_report(made_batch_fit());
  CHECK(reopened(fits).kind == ReportKind::kBatchFit);
  CHECK(dump_json(made_report(read_batch_fit(reopened(fits)))) == dump_json(fits));
}

TEST_CASE("What is missing in some cells of an accuracy report only is named") {
  const auto refused = [](const char* pointer) {
    Json changed = made_report(made_accuracy());
    changed[Json::json_pointer(pointer).parent_pointer()].erase(Json::json_pointer(pointer).back());
    return message_of([&] { read_accuracy(reopened(changed)); });
  };
  CHECK(contains(refused("/results/cells/1/untrained"), "the same measures of every cell"));
  CHECK(contains(refused("/results/cells/0/layers/1/replaced_alone"), "the same members in every layer"));
  CHECK(contains(refused("/results/cells/2/all_replaced/agreement"), "loss_increase_nats with agreement"));
  CHECK(contains(refused("/results/cells/2/all_replaced/hidden_error"), "hidden_error: missing"));
  for (const char* whole : {"/results/cells/0/layers/0/replaced_alone/loss_increase_nats",
                            "/results/cells/0/layers/0/heads/0/skill", "/results/cells/1/layers/0/heads"})
    CHECK_FALSE(refused(whole).empty());
  Json advice = made_report(made_advice());
  advice["results"]["goal"] = "speed";
  CHECK(
      contains(message_of([&] { read_advice(reopened(advice)); }), "results.goal: \"speed\"; expected loss"));
}

TEST_CASE("A bench report that does not say what its peaks are of has those of f32") {
  Json report = made_report(made_bench());
  for (Json& peak : report["results"]["peaks"]) peak.erase("products");
  for (Json& cell : report["results"]["cells"]) cell.erase("peak_products"), cell.erase("peak_gflops");
  const BenchResult result = read_bench(reopened(report));
  CHECK(result.peaks.back().products == DType::kF32);
  CHECK(result.cells[0].peak_products == DType::kF32);
  CHECK(result.cells[0].peak_gflops == 0);
  CHECK(result.cells[0].peak_share == 0.5);
}

TEST_CASE("Curves read back and written again are the same to the byte") {
  for (const bool equal : {true, false}) {
    SpectrumResult result = made_result();
    result.equal_length = equal;
    const std::string text = written_curves(result);
    SpectrumResult back = read_spectrum(reopened(made_report(result)));
    read_curves_csv(text, "curves", back);
    CHECK(written_curves(back) == text);
    CHECK(back.band_grid == result.band_grid);
  }
}

TEST_CASE("Curves lie beside their report, wherever the two were moved together") {
  ReportFile file = reopened(made_report(made_result()));
  file.path = "moved/made.json";
  CHECK(curves_path(file) == "moved/made.curves.csv");
  file.json["curves_csv"] = nullptr;
  CHECK(curves_path(file).empty());
}

TEST_CASE("Curves that do not fit their report are refused with the line") {
  const SpectrumResult result = made_result();
  const std::string text = written_curves(result);
  const auto refused = [&](const std::string& changed) {
    SpectrumResult back = read_spectrum(reopened(made_report(result)));
    return message_of([&] { read_curves_csv(changed, "curves", back); });
  };
  const auto replaced = [&](std::string_view what, std::string_view by) {
    std::string changed = text;
    return changed.replace(text.find(what), what.size(), by);
  };
  CHECK(refused(text).empty());
  CHECK(contains(refused(replaced(",m,", ",m_over_n,")), "line 1: m_over_n; expected the header"));
  CHECK(contains(refused(replaced("0,,probabilities,cumulative,2,", "0,,probabilities,cumulative,3,")),
                 "the same m as in the curves before"));
  CHECK(contains(refused(replaced("\n0,,probabilities", "\n1,,probabilities")), "a layer of the report"));
  CHECK(contains(refused(replaced("0,,probabilities", "0,,unknown")), "a series of the report"));
  std::string enemies = text;
  for (size_t at; (at = enemies.find("energy")) != enemies.npos;) enemies.replace(at, 6, "enemy");
  CHECK(contains(refused(enemies), "cumulative or energy"));
  CHECK(contains(refused(replaced("\n0,,probabilities", "\n0,probabilities")), "line 2"));
  CHECK(contains(refused(text.substr(0, text.find("6,,matched"))), "curves of every layer of matched"));
  CHECK(contains(refused(text.substr(0, text.size() - 3)), "6 columns"));
}

TEST_CASE("A file that is no report of ours is refused with what it is") {
  const TemporaryFolder folder;
  const auto opened = [&](const std::string& text) {
    return error_of([&] { open_report(folder.put("x.json", text)); });
  };
  CHECK(opened("{}")->code() == ErrorCode::kInput);
  CHECK(contains(opened("{}")->what(), "schema: missing"));
  CHECK(opened("[1]")->code() == ErrorCode::kInput);
  CHECK(opened("{\"schema\": 1}")->code() == ErrorCode::kInput);
  CHECK(opened("{\"schema\": \"linformer/spectrum/1\"")->code() == ErrorCode::kInput);
  const auto unknown = opened("{\"schema\": \"linformer/spectrum/2\"}");
  CHECK(unknown->code() == ErrorCode::kUnsupported);
  CHECK(contains(unknown->what(),
                 "linformer/spectrum/2; expected one of linformer/spectrum/1, linformer/bench/1"));
  CHECK(code_of([&] { open_report(folder.path("none.json")); }) == 3);
}

TEST_CASE("What is missing or wrong in a report is named with its place") {
  const Json report = made_report(made_result());
  const auto refused = [&](const char* pointer, const Json& value) {
    Json changed = report;
    changed[Json::json_pointer(pointer)] = value;
    const auto error = error_of([&] { read_spectrum(reopened(changed)); });
    return error && error->code() == ErrorCode::kInput ? error->what() : std::string("accepted");
  };
  CHECK(contains(refused("/results/series/1/layers/2/statistics/row_entropy", "x"),
                 "results.series[1].layers[2].statistics.row_entropy: \"x\"; expected an object"));
  CHECK(contains(refused("/results/series/0/layers/2/layer", 5), "layers[2].layer: 5; expected 4"));
  CHECK(contains(refused("/results/series/0/layers", Json::array()), "expected an array of 4"));
  CHECK(
      contains(refused("/results/series/0/layers/1/heads", Json::array()), "heads in all layers or in none"));
  CHECK(contains(refused("/results/comparisons/0/layers/0/verdict", "good"), "lower-rank, same-rank"));
  CHECK(contains(refused("/results/sequences", 1.5), "results.sequences: 1.5; expected an integer"));
  CHECK(contains(refused("/results/confidence", 1), "expected a share between 0 and 1"));
  CHECK(contains(refused("/complete", 1), "complete: 1; expected true or false"));
  CHECK(contains(refused("/results/series/0/model/statistics/row_entropy/interval", {1}), "an array of 2"));
  Json bench = made_report(made_bench());
  bench["results"]["cells"][1]["state"] = "odd";
  CHECK(contains(message_of([&] { read_bench(reopened(bench)); }),
                 "results.cells[1].state: \"odd\"; expected one of interrupted, measured"));
  bench = made_report(made_bench());
  bench["results"]["crossovers"][0]["mechanism"] = "another";
  CHECK(contains(message_of([&] { read_bench(reopened(bench)); }), "results.crossovers[0]: an object of"));
}

}  // namespace linformer
