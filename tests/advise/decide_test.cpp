// SPDX-License-Identifier: MIT
// Advice on made-up costs and times.
#include "advise/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "catch.h"
#include "io/error_of.h"
#include "places.h"
#include "report/advise_json.h"
#include "report/advise_table.h"
#include "report/schema_validator.h"

namespace linformer {
namespace {

const std::string kSchema = schemas() + "/advise-1.schema.json";
constexpr double kLoss = 2;

ModelAccuracy made_cost(double share) {
  return {.hidden_error = {.mean = share, .interval = Interval{share / 2, share * 2}},
          .loss_increase = Summary{.mean = share * kLoss, .interval = Interval{share * kLoss, share * kLoss}},
          .agreement = Summary{.mean = 1}};
}

// Two layers, the first of which is easy to replace; fitted at k = 8 and 16.
struct Made {
  AccuracyResult accuracy{.layers = {0, 1}, .heads = {0}, .length = 64, .sequences = 6};
  SpectrumResult spectrum;
  BenchResult model, attention;

  Made() {
    accuracy.loss = Summary{.mean = kLoss};
    add("fitted:k=8,sharing=head", 8, {0.002, 0.2}, 0.25);
    add("fitted:k=16,sharing=head", 16, {0.001, 0.004}, 0.009);
    add("svd:k=4", 4, {0, 0}, 0);  // no way to run it
    add("local:k=8", 8, {0, 0}, 0.02);
    add("local:k=16", 16, {0, 0}, 0.001);
    spectrum.layers = {0, 1};
    SeriesResult& series = spectrum.series.emplace_back();
    for (const double c : {0.9, 0.8})
      series.layers.push_back({.statistics = {{.mean = c}}, .mean_curve_k = {}, .curves = {}});
    time("flash", 100);
    time("linformer:k=8,sharing=none", 60);
    time("linformer:k=16,sharing=none", 80);
    Crossover crossover;
    crossover.cell.mechanism = "linformer:k=8,sharing=none";
    crossover.reference = "flash";
    crossover.length = 300;
    attention.crossovers.push_back(crossover);
  }
  void add(const std::string& name, int64_t k, std::vector<double> alone, double all) {
    CellAccuracy cell{.cell = {.name = name, .method = name.substr(0, name.find(':')), .k = k}};
    for (const double share : alone) cell.one_replaced.push_back(made_cost(share));
    cell.all_replaced = made_cost(all);
    accuracy.cells.push_back(std::move(cell));
  }
  void time(const std::string& mechanism, double ns) {
    CellResult cell;
    cell.cell.mechanism = mechanism;
    cell.state = CellState::kMeasured;
    cell.median_ns = ns;
    cell.tensor_bytes = 1000;
    if (mechanism != "flash")
      cell.ratios.push_back(
          {.reference = "flash", .ratio = 100 / ns, .interval = Interval{100 / ns, 101 / ns}});
    model.cells.push_back(std::move(cell));
  }
  AdviceResult advise(const AdviceGoal& goal, const LayerChoice& choice) const {
    return linformer::advise({.accuracy = accuracy,
                              .spectrum = spectrum,
                              .model = model,
                              .attention = attention,
                              .choice = choice},
                             goal);
  }
};

}  // namespace

TEST_CASE("each layer gets the smallest k that costs little enough alone") {
  const Made made;
  using Cells = std::vector<int64_t>;
  CHECK(choose_cells(made.accuracy, {}, 0.005) == Cells{0, 1});
  CHECK(choose_cells(made.accuracy, {}, 0.5) == Cells{0, 0});
  CHECK(choose_cells(made.accuracy, {}, 0.0015) == Cells{1, -1});
  CHECK(choose_cells(made.accuracy, {}, 1e-6) == Cells{-1, -1});
}

TEST_CASE(
    "a nystromformer is timed as itself, what was fitted or pools as E and F of every head, others not") {
  const auto timed = [](const char* name, const char* method, int64_t k) {
    return timed_as({.name = name, .method = method, .k = k});
  };
  CHECK(timed("nystrom:landmarks=8", "nystrom", 8) == "nystrom:landmarks=8");
  CHECK(timed("fitted:k=8,sharing=layer", "fitted:sharing=layer", 8) == "linformer:k=8,sharing=none");
  CHECK(timed("linformer:k=8,projection=mean-pooling", "linformer:projection=mean-pooling", 8) ==
        "linformer:k=8,sharing=none");
  for (const char* other : {"svd", "local", "flash", "mean-v", "linformer:projection=gaussian"})
    CHECK(timed(other, other, 8).empty());
  Made made;
  made.add("nystrom:landmarks=8", 8, {0.001, 0.001}, 0.005);
  made.time("nystrom:landmarks=8", 50);
  const AdviceResult advice = made.advise({.increase = 0.01}, {.cells = {5, 5}, .cost = made_cost(0.005)});
  CHECK(choose_cells(made.accuracy, {}, 0.0015) == std::vector<int64_t>{5, 5});
  CHECK(advice.points.size() == 5);
  CHECK(advice.points[3].speed_up == 2);
  CHECK(advice.points[4].ns == Approx(50));
  CHECK(contains(advice.verdict, "nystrom:landmarks=8 keeps within 1 %"));
}

TEST_CASE("the cost of a choice is put together where the model cannot be run") {
  const Made made;
  const ModelAccuracy cost = estimated_cost(made.accuracy, {0, 1});
  CHECK(cost.loss_increase->mean == Approx((0.002 + 0.004) * kLoss));
  CHECK(cost.hidden_error.mean == Approx(std::sqrt(0.002 * 0.002 + 0.004 * 0.004)));
  CHECK_FALSE(cost.loss_increase->interval);
  CHECK(estimated_cost(made.accuracy, {-1, -1}).hidden_error.mean == 0);
  const LayerChoice estimated = estimated_layers(made.accuracy, {.increase = 0.01});
  CHECK(estimated.estimated);
  CHECK(estimated.cells == std::vector<int64_t>{0, 1});
  CHECK(mechanisms_to_time(made.accuracy) ==
        std::vector<std::string>{"linformer:k=8,sharing=none", "linformer:k=16,sharing=none"});
  const AdviceResult advice =
      made.advise({.increase = 0.01}, {.cells = {0, 1}, .cost = cost, .estimated = true});
  CHECK(advice.points.back().increase_estimated);
  CHECK(advice.points.back().increase == Approx(0.006));
  CHECK(advised_points_table(advice).rows.back()[1] == "~+0.60 %");
}

TEST_CASE("a layer that the spectrum lacks has no cumulative value, and without flash there is no verdict") {
  Made made;
  made.spectrum.layers = {1, 7};
  AdviceResult advice = made.advise({}, {.cells = {-1, -1}, .cost = {}});
  CHECK(std::isnan(advice.layers[0].cumulative));
  CHECK(advice.layers[1].cumulative == 0.9);
  Made untimed;
  untimed.model.cells.resize(1);
  CHECK(contains(untimed.advise({}, {.cells = {-1, -1}, .cost = {}}).verdict,
                 "nothing that stands for attention"));
  made.model.cells.front().state = CellState::kTooLarge;
  advice = made.advise({}, {.cells = {0, 1}, .cost = made_cost(0.001)});
  CHECK(advice.points.empty());
  CHECK_FALSE(advice.worthwhile);
  CHECK(contains(advice.verdict, "flash was not timed"));
}

TEST_CASE("choices grow stricter until the whole model keeps within the goal") {
  const Made made;
  std::vector<std::vector<int64_t>> asked;
  const LayerChoice choice = choose_layers(made.accuracy, {.increase = 0.01}, [&](const auto& cells) {
    asked.push_back(cells);
    return made_cost(asked.size() == 1 ? 0.02 : 0.008);
  });
  CHECK(asked == std::vector<std::vector<int64_t>>{{0, 1}, {0, -1}});
  CHECK(choice.cells == std::vector<int64_t>{0, -1});
  CHECK(increase_of(choice.cost, {}, kLoss) == Approx(0.008));
}

TEST_CASE("advice takes the fastest way that keeps within the goal") {
  const Made made;
  const AdviceResult advice = made.advise({.increase = 0.01}, {.cells = {0, 1}, .cost = made_cost(0.008)});
  CHECK(advice.worthwhile);
  CHECK(contains(advice.verdict, "by layer keeps within 1 % of the loss"));
  REQUIRE(advice.points.size() == 4);
  CHECK(advice.points[0].name == "flash");
  CHECK(advice.rival == "local:k=16");
  CHECK(advice.rival_increase == Approx(0.001));
  CHECK(advice.points[3].ks == std::vector<int64_t>{8, 16});
  CHECK(advice.points[3].ns == Approx(70));  // half of each
  CHECK(advice.points[3].estimated);
  CHECK(advice.points[1].speed_up == Approx(100.0 / 60));
  CHECK_FALSE(advice.points[1].good_enough);
  CHECK(advice.layers[1].k == 16);
  CHECK(advice.layers[0].cumulative == 0.9);
  CHECK(advice.layers[0].least == 0.001);
  CHECK(advice.crossover_length == 300);
  for (const AdvisedPoint& p : advice.points) CHECK(p.pareto == (p.name != "fitted:k=16,sharing=head"));
}

TEST_CASE("where nothing keeps within the goal, or saves too little, the advice is not to bother") {
  Made made;
  const LayerChoice none{.cells = {-1, -1}, .cost = {}};
  const AdviceResult strict = made.advise({.increase = 1e-4}, none);
  CHECK_FALSE(strict.worthwhile);
  CHECK(
      strict.verdict.starts_with("Do not bother: without training, no k that was tried keeps within 0.01 %"));
  CHECK(strict.points.size() == 3);
  CHECK(strict.rival.empty());
  CHECK_FALSE(strict.layers[0].k);

  made.model.cells[2].median_ns = 97;
  made.model.cells[2].ratios[0].interval = Interval{0.99, 1.07};
  const AdviceResult slow = made.advise({.increase = 0.01}, none);
  CHECK_FALSE(slow.worthwhile);
  CHECK(slow.verdict.starts_with("Do not bother: fitted:k=16"));
}

TEST_CASE("without a loss the goal is the error of the hidden states") {
  Made made;
  made.accuracy.loss.reset();
  const AdviceGoal goal{.of_loss = false, .increase = 0.01};
  CHECK(choose_cells(made.accuracy, goal, 0.005) == std::vector<int64_t>{0, 1});
  const AdviceResult advice = made.advise(goal, {.cells = {0, 1}, .cost = made_cost(0.008)});
  CHECK(contains(advice.verdict, "an error of 1 % of the last hidden states"));
  CHECK_FALSE(advice.loss);
  CHECK(advice.points[2].increase_interval->high == Approx(0.018));
}

TEST_CASE("an advice report is what its schema says, and its tables have a row for everything") {
  const Made made;
  const AdviceResult advice = made.advise({.increase = 0.01}, {.cells = {0, -1}, .cost = made_cost(0.008)});
  ReportContext context;
  context.started = "2026-01-31T12:00:00Z";
  const auto report = advise_report(
      context, {.input = nlohmann::ordered_json::object(), .method = nlohmann::ordered_json::object()},
      advice);
  CHECK(schema_errors(report, kSchema) == std::vector<std::string>{});
  CHECK(report["results"]["layers"][1]["k"].is_null());
  auto broken = report;
  broken["results"].erase("verdict");
  CHECK_FALSE(schema_errors(broken, kSchema).empty());
  CHECK(advised_layers_table(advice).rows[1][2] == "exact");
  CHECK(advised_points_table(advice).rows.size() == 4);
  CHECK(advised_points_table(advice).rows[3][3] == "~0.00");
  CHECK(contains(advice_text(advice), "faster than flash from n = 300 on"));
  CHECK(contains(advice_text(advice), "local:k=16, the nearest keys alone, loss +0.10 %"));
  CHECK(contains(advice_text(advice), "bounds without training"));
}

}  // namespace linformer
