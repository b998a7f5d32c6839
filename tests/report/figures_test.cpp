// SPDX-License-Identifier: MIT
#include "report/figures.h"

#include <algorithm>

#include "catch.h"
#include "io/error_of.h"
#include "io/json.h"
#include "io/temporary_folder.h"
#include "report/bench_read.h"
#include "report/figure.h"
#include "report/figure_bench.h"
#include "report/figure_spectrum.h"
#include "report/made_accuracy.h"
#include "report/made_bench.h"
#include "report/made_result.h"
#include "report/reopened.h"
#include "report/spectrum_csv.h"

namespace linformer {
namespace {

// A spectrum report with its curves beside it.
ReportFile with_curves(const TemporaryFolder& folder, const SpectrumResult& result, const std::string& name) {
  std::string curves;
  write_curves_csv(result, [&](std::string_view rows) { curves += rows; });
  auto report = made_report(result);
  report["curves_csv"] = name + ".curves.csv";
  folder.put(name + ".curves.csv", curves);
  return open_report(folder.put(name + ".json", dump_json(report)));
}

// With these in the report itself, of the model, its layers and heads.
SpectrumResult with_own_curves(const std::vector<double>& at, const Curves& curves) {
  SpectrumResult result = made_result();
  result.curves_at = at;
  for (SeriesResult& series : result.series) {
    series.model.curves = curves;
    for (StatisticsOf& layer : series.layers) layer.curves = curves;
    for (auto& layer : series.heads)
      for (StatisticsOf& head : layer) head.curves = curves;
  }
  return result;
}

std::vector<std::string> names_of(const FigureSet& set) {
  std::vector<std::string> names;
  for (const Figure& figure : set.figures) names.push_back(figure.name);
  return names;
}

const Figure& named(const FigureSet& set, const std::string& name) {
  const auto found = std::ranges::find(set.figures, name, &Figure::name);
  REQUIRE(found != set.figures.end());
  return *found;
}

CellResult timed(const char* mechanism, int64_t length, double ns) {
  CellResult r = made_bench().cells.front();
  r.cell.mechanism = mechanism;
  r.cell.length = length;
  r.median_ns = ns;
  r.interval_ns = Interval{ns * 0.9, ns * 1.1};
  r.workspace_bytes = length << 10;
  r.ratios.clear();
  return r;
}

// Linear and quadratic time that cross at n = 1024, of two lengths of k.
BenchResult crossing_bench() {
  BenchResult result = made_bench();
  result.cells.clear();
  for (const int64_t n : {512, 1024, 2048}) {
    const auto x = static_cast<double>(n);
    result.cells.push_back(timed("flash", n, x * x));
    for (const char* linear : {"linformer:k=128,sharing=layerwise", "linformer:k=1024,sharing=layerwise"}) {
      result.cells.push_back(timed(linear, n, x * 1024));
      result.cells.back().ratios = {
          {.reference = "flash", .ratio = x / 1024, .interval = {}, .flops_ratio = 2}};
    }
  }
  result.cells[2].state = CellState::kUnsupported;
  result.cells[2].ratios.clear();
  result.growth = {{.cell = result.cells[0].cell,
                    .slopes = {},
                    .fitted = {.from = 512, .to = 2048, .slope = 2, .interval = Interval{1.9, 2.1}}}};
  result.crossovers = {{.cell = result.cells[1].cell, .reference = "flash", .length = 1024, .reason = {}}};
  result.scaling.clear();
  result.narrowing.clear();
  return result;
}

}  // namespace

TEST_CASE("A spectrum report has its five figures, each with the control and the model in its first line") {
  const TemporaryFolder folder;
  const FigureSet set = figures_of({with_curves(folder, made_result(), "s")});
  CHECK(names_of(set) ==
        std::vector<std::string>{"s-cumulative", "s-layers", "s-scree", "s-heat-map", "s-k90"});
  CHECK(set.left_out.empty());
  for (const Figure& figure : set.figures) {
    INFO(figure.name);
    CHECK(contains(figure.script + figure.data, "matched"));
    CHECK(contains(figure.script, "Not the paper''s model: bert, 8 x 3 heads, n = 8, 20 sequences"));
    CHECK(contains(figure.script, "set output '" + figure.name + ".'.format"));
  }
}

TEST_CASE("A name of two lines leaves the data of a figure what they are") {
  FigureWriter figure("f", 3, 3, "");
  figure.labelled_block("one\n9 9", {"a\nb"}, {{1, 2}});
  CHECK(figure.finish().data == "# one 9 9\na b 1 2\n");
}

TEST_CASE("Figures of equal reports are equal to the byte") {
  const TemporaryFolder folder, other;
  const FigureSet a = figures_of({with_curves(folder, made_result(), "s")});
  const FigureSet b = figures_of({with_curves(other, made_result(), "s")});
  REQUIRE(a.figures.size() == b.figures.size());
  for (size_t i = 0; i < a.figures.size(); ++i) {
    CHECK(a.figures[i].script == b.figures[i].script);
    CHECK(a.figures[i].data == b.figures[i].data);
  }
}

TEST_CASE("The data of a figure are the numbers of the report, and a share that is not there is a gap") {
  const TemporaryFolder folder;
  SpectrumResult result = made_result();
  result.series[0].layer_curves[0].cumulative = {0.5, 0.75, 0.75, 1};
  const FigureSet set = figures_of({with_curves(folder, result, "s")});
  CHECK(
      named(set, "s-cumulative").data.starts_with("# layer 0: m, value\n1 0.5\n2 0.75\n4 0.75\n8 1\n\n\n# "));
  CHECK(named(set, "s-scree").data.starts_with("# layer 0: m, value\n1 0.5\n2 0.25\n4 ?\n8 0.0625\n"));
  CHECK(contains(named(set, "s-k90").data, "\n0 4 6 7\n"));
  // c of the first head is 62.5 %, and 6.25 points more than the control's.
  CHECK(contains(named(set, "s-heat-map").data, "\n62 0 0 62.5 "));
  CHECK(contains(named(set, "s-heat-map").data, "\n+6 0 0 6.25 "));
}

TEST_CASE("Without the file of curves, figures are drawn by the points that the report has") {
  const SpectrumResult result = with_own_curves({1, 2, 4}, {{0.5, 0.75, 1}, {0.6, 0.9, 1}});
  const FigureSet set = figures_of({reopened(made_report(result))});
  CHECK(names_of(set) == std::vector<std::string>{"made-cumulative", "made-layers", "made-scree",
                                                  "made-heat-map", "made-k90"});
  CHECK(named(set, "made-cumulative").data.starts_with("# layer 0: m, value\n1 0.5\n2 0.75\n4 1\n\n\n# "));
  // From the second value to the fourth there are two.
  CHECK(named(set, "made-scree").data.starts_with("# layer 0: m, value\n1 0.5\n2 0.25\n4 0.125\n"));
  CHECK_FALSE(contains(named(set, "made-layers").script, "filledcurves"));
  REQUIRE(set.left_out.size() == 1);
  CHECK(contains(set.left_out[0], "curves by the 3 points in the report, without their spread"));
  CHECK(contains(set.left_out[0], "made.curves.csv is not there"));
}

TEST_CASE("Without curves, without a control and without sequences there are fewer figures") {
  const ReportFile alone = reopened(made_report(with_own_curves({}, {})));
  const FigureSet set = figures_of({alone});
  CHECK(names_of(set) == std::vector<std::string>{"made-heat-map", "made-k90"});
  REQUIRE(set.left_out.size() == 1);
  CHECK(contains(set.left_out[0], "made.curves.csv is not there"));
  SpectrumResult plain = made_result();
  plain.comparisons.clear();
  CHECK_FALSE(contains(named(figures_of({reopened(made_report(plain))}), "made-heat-map").script, "matched"));
  SpectrumResult none = made_result();
  none.series.clear();
  CHECK(figures_of({reopened(made_report(none))}).figures.empty());
}

TEST_CASE("Reports of one name keep apart, and several lengths of a model make a figure of their own") {
  const TemporaryFolder folder;
  SpectrumResult longer = made_result();
  longer.length = 16;
  const ReportFile a = with_curves(folder, made_result(), "s"), b = with_curves(folder, longer, "t");
  ReportFile again = a;
  const FigureSet set = figures_of({a, again, b});
  const std::vector<std::string> names = names_of(set);
  CHECK(std::ranges::count(names, "s-2-cumulative") == 1);
  CHECK(names.back() == "spectra-length");
  CHECK(contains(set.figures.back().data, "\n8 4 6 7\n16 4 6 7\n"));
}

TEST_CASE("The paper's own model is not called another") {
  auto report = made_report(made_result());
  report["input"]["architecture"] = {{"family", "roberta"}, {"layers", 12}, {"heads", 12}};
  report["results"]["length"] = 512;
  const ReportFile file = reopened(report);
  CHECK(model_headline({.file = file, .result = [&] {
                          SpectrumResult result = made_result();
                          result.length = 512;
                          return result;
                        }()}) == "roberta, 12 x 12 heads, n = 512, 20 sequences");
}

TEST_CASE("A bench has times with fitted slopes and crossovers, memory, and tables shaped like Table 3") {
  const FigureSet set = figures_of({reopened(made_report(crossing_bench()))});
  CHECK(names_of(set) == std::vector<std::string>{"made-time", "made-memory"});
  const Figure& time = named(set, "made-time");
  CHECK(contains(time.script, "'flash, slope 2.00 (1.90..2.10)'"));
  CHECK(contains(time.script, "'linformer k=128'"));
  CHECK(contains(time.data, "# crossovers: text, n, time in ms\n1024 1024 1.048576\n"));
  CHECK(contains(time.data, "# flash: n, ms by the fitted slope\n512 0.2621"));
  CHECK(contains(named(set, "made-memory").data, "\n512 0.5\n1024 1\n2048 2\n"));
  REQUIRE(set.texts.size() == 1);
  CHECK(set.texts[0].first == "made-saved.md");
  CHECK(contains(set.texts[0].second, "Time saved against flash"));
}

TEST_CASE("What is saved is told to two digits, and a mechanism that cannot be there is a dash") {
  const BenchResult result = crossing_bench();
  const std::vector<Table> tables = saved_tables(result);
  REQUIRE(tables.size() == 2);
  CHECK(tables[0].columns[2].name == "linformer k=1024");
  CHECK(tables[0].rows == std::vector<std::vector<std::string>>{
                              {"512", "0.5", "-"}, {"1024", "1.0", "1.0"}, {"2048", "2.0", "2.0"}});
  CHECK(tables[1].rows[2] == std::vector<std::string>{"2048", "1.0", "1.0"});
}

TEST_CASE("Kinds of cells have figures of their own, named by their sizes") {
  BenchResult result = crossing_bench();
  const size_t count = result.cells.size();
  for (size_t i = 0; i < count; ++i) {
    result.cells.push_back(result.cells[i]);
    result.cells.back().cell.heads = 2;
  }
  const std::vector<std::string> names = names_of(figures_of({reopened(made_report(result))}));
  CHECK(names == std::vector<std::string>{"made-time-b1-h4-d8-t1", "made-memory-b1-h4-d8-t1",
                                          "made-time-b1-h2-d8-t1", "made-memory-b1-h2-d8-t1"});
}

TEST_CASE(
    "What replacing attention costs is drawn against k and by layer, but for checks and the untrained") {
  AccuracyResult result = made_accuracy();
  for (const char* kind : {"exact", "untrained"}) {
    result.cells.push_back(result.cells[1]);
    result.cells.back().cell.method = result.cells.back().cell.name = result.cells.back().cell.kind = kind;
  }
  const FigureSet set = figures_of({reopened(made_report(result))});
  CHECK(names_of(set) ==
        std::vector<std::string>{"made-error", "made-skill", "made-loss", "made-sensitivity"});
  CHECK(named(set, "made-error").data ==
        "# mean-v: k, mean, its interval\n4 50 49 51\n8 50 49 51\n\n\n"
        "# svd: k, mean, its interval\n4 25 24 26\n8 12.5 11.5 13.5\n");
  CHECK(contains(named(set, "made-error").script, "Not the paper''s model: bert, 8 x 3 heads, n = 16"));
  // n/4 is 4; layers 0 and 3 as they are numbered.
  CHECK(contains(named(set, "made-sensitivity").data,
                 "# svd:k=4: layer, mean, its interval\n0 0.0625 0.0525 0.0725\n3 0.0625 "));
  result.loss.reset(), result.loss_name.clear();
  for (CellAccuracy& cell : result.cells) {
    cell.one_replaced.clear();
    cell.all_replaced->loss_increase.reset(), cell.all_replaced->agreement.reset();
  }
  const FigureSet without = figures_of({reopened(made_report(result))});
  CHECK(names_of(without).at(2) == "made-hidden");
  CHECK(contains(named(without, "made-sensitivity").script, "skill of heads"));
  result.sequences = 0;
  CHECK(figures_of({reopened(made_report(result))}).figures.empty());
}

static Figure only_figure(const AdviceResult& advice) {
  return figures_of({reopened(made_report(advice))}).figures.front();
}

TEST_CASE("Advice is drawn as what is lost against time, with the goal and the frontier") {
  const FigureSet set = figures_of({reopened(made_report(made_advice()))});
  CHECK(names_of(set) == std::vector<std::string>{"made-pareto"});
  const Figure& figure = set.figures.front();
  CHECK(figure.data.starts_with("# frontier: ms, what is lost in %\n4 50\n6 0.3\n8 0\n"));
  CHECK(contains(figure.data, "# flash: k, ms, what is lost in %, its interval\nexact 8 0 0 0\n"));
  CHECK(contains(figure.data,
                 "# fitted:sharing=head: k, ms, what is lost in %, its interval\n"
                 "k=8 4 50 37.5 62.5\nk=16 8 25 18.75 31.25\n"));
  CHECK(contains(figure.data, "\n~k=8,exact 6 0.3 "));
  CHECK(contains(figure.script, "asinh(y/1)"));
  CHECK(contains(figure.script, "plot 1 with lines"));
  CHECK_FALSE(contains(figure.script, "set logscale x"));
  AdviceResult apart = made_advice();
  apart.points.front().ns *= 100;
  CHECK(contains(only_figure(apart).script, "set logscale x\n"));
  for (const double ns : {0.0, -1.0, 1e300}) {  // no axis for these, so no point
    AdviceResult odd = made_advice();
    odd.points.front().ns = ns;
    CHECK_FALSE(contains(only_figure(odd).script, "set logscale x\n"));
  }
  AdviceResult near = made_advice();
  near.goal.increase = 0.2;
  CHECK_FALSE(contains(figures_of({reopened(made_report(near))}).figures.front().script, "asinh"));
  near.points.clear();
  CHECK(figures_of({reopened(made_report(near))}).figures.empty());
}

TEST_CASE("What fits is drawn as the memory of one more sequence, if there are two lengths") {
  BatchFitResult fits = made_batch_fit();
  CHECK(figures_of({reopened(made_report(fits))}).figures.empty());
  fits.fits.push_back(fits.fits[0]);
  fits.fits.back().cell.length = 1024;
  fits.fits.back().bytes_per_sequence = 1 << 20;
  const FigureSet set = figures_of({reopened(made_report(fits))});
  CHECK(names_of(set) == std::vector<std::string>{"made-batch"});
  CHECK(contains(set.figures.front().data, "# flash: n, MiB\n512 0.00195"));
  CHECK(contains(set.figures.front().data, "\n1024 1\n"));
  CHECK(contains(set.figures.front().script, "one more sequence"));
}

TEST_CASE("A text with an apostrophe stays one text of gnuplot") {
  CHECK(gnuplot_text("a 'b'\nc") == "'a ''b'' c'");
}

}  // namespace linformer
