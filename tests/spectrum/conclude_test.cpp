// SPDX-License-Identifier: MIT
// Conclusions from records made by hand. The values are binary fractions, so f32 keeps them; the expected
// numbers are worked out on paper, with t from printed tables.
#include "spectrum/conclude.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "catch.h"

namespace linformer {
namespace {

constexpr double kT95Of4 = 2.7764451052;   // 97.5 % quantile, 4 degrees of freedom
constexpr double kT90Of4 = 2.1318467863;   // 95 %
constexpr double kT95Of19 = 2.0930240544;  // 97.5 %, 19 degrees of freedom

// A value of one sequence, layer and head.
using Value = std::function<double(size_t sequence, int64_t layer, int64_t head)>;

RecordLayout layout_of(std::vector<std::string> series, int64_t sequences, int64_t layers) {
  return {.series = std::move(series),
          .statistics = {"cumulative_at_1", "k90_sigma"},
          .sequences = sequences,
          .layers = layers,
          .heads = 2,
          .points = 4,
          .band_points = {0, 3}};
}

// Records one sequence in one series: `value` as the first statistic, `k` as the second, and curves that
// begin with `value` in head 1.
void add(Records& records, size_t sequence, int64_t series, const Value& value, const Value& k) {
  const RecordLayout& layout = records.layout();
  for (int64_t layer = 0; layer < layout.layers; ++layer) {
    for (int64_t head = 0; head < layout.heads; ++head) {
      const std::vector<double> statistics = {value(sequence, layer, head), k(sequence, layer, head)};
      std::vector<double> cumulative(4, 1.0), energy(4, 1.0);
      if (head == 1) cumulative = {value(sequence, 0, 0), 0.75, 0.9, 1}, energy = {0.75, 0.96, 1, 1};
      records.add({static_cast<int64_t>(sequence), series, layer, head}, statistics, cumulative, energy, 1);
    }
  }
}

// Eight sequences in five documents of 3, 1, 2, 1 and 1 sequences, and one (number 3) that is not finished.
const std::vector<int64_t> kDocuments = {10, 11, 10, 99, 12, 13, 10, 14, 12};
const std::vector<double> kA = {0.125, 0.5, 0.25, -9, 0.25, 0.125, 0.375, 0.625, 0.5};
const std::vector<double> kK = {3, 1, 4, -9, 1, 5, 9, 2, 6};

// Layer 0 has a and a + 1/4 in its heads, layer 1 a/2 and a/2 + 1/4.
double value_of(size_t s, int64_t layer, int64_t head) {
  return kA[s] / (layer == 0 ? 1 : 2) + 0.25 * static_cast<double>(head);
}

SpectrumResult conclude_five_documents(double confidence) {
  Records records("", layout_of({"probabilities"}, 9, 2));
  for (size_t s = 0; s < 9; ++s) {
    if (s == 3) continue;
    add(records, s, 0, value_of, [](size_t i, int64_t, int64_t h) { return kK[i] * (h == 0 ? 1 : 10); });
    records.finish(static_cast<int64_t>(s));
  }
  SpectrumResult result;
  conclude(records, kDocuments, {.length = 4, .points = 4}, confidence, result);
  return result;
}

// The unit means of a are 1/4, 1/2, 3/8, 1/8 and 5/8: mean 3/8, and s² = 0.15625 / 4.
const double kErrorOfA = std::sqrt(0.15625 / 4 / 5);

void check_interval(const Summary& summary, double mean, double half) {
  CHECK(summary.mean == Approx(mean).epsilon(1e-12));
  REQUIRE(summary.interval);
  CHECK(summary.interval->low == Approx(mean - half).epsilon(1e-8).margin(1e-12));
  CHECK(summary.interval->high == Approx(mean + half).epsilon(1e-8).margin(1e-12));
}

}  // namespace

TEST_CASE("long curves are reported at M, at multiples of a step and at the powers of two below it") {
  RecordLayout layout = layout_of({"probabilities"}, 1, 1);
  layout.points = 513;
  std::vector<double> line;
  for (int m = 1; m <= 513; ++m) line.push_back(m / 513.0);
  Records records("", layout);
  for (const int64_t head : {0, 1}) records.add({0, 0, 0, head}, std::vector{0.5, 1.0}, line, line, 1);
  records.finish(0);
  SpectrumResult result;
  result.at = 100;
  conclude(records, std::vector<int64_t>{10}, {.length = 513, .points = 513}, 0.95, result);
  const std::vector<double>& at = result.curves_at;
  CHECK(std::vector(at.begin(), at.begin() + 6) == std::vector<double>{1, 2, 4, 8, 9, 18});
  CHECK(std::ranges::count(at, 100) == 1);
  CHECK(at.back() == 513);
  CHECK(at.size() == 4 + 57 + 1);
  const SeriesResult& series = result.series[0];
  for (const StatisticsOf* of : {&series.model, &series.layers[0], &series.heads[0][1]}) {
    REQUIRE(of->curves.cumulative.size() == at.size());
    CHECK(of->curves.cumulative[4] == Approx(9 / 513.0).epsilon(1e-9));
    CHECK(of->curves.energy.back() == Approx(1));
  }
}

TEST_CASE("short curves are reported whole") {
  const SpectrumResult result = conclude_five_documents(0.95);
  CHECK(result.curves_at == result.grid);
  CHECK(result.series[0].heads[1][0].curves.cumulative == result.series[0].head_curves[1][0].cumulative);
}

TEST_CASE("every document counts as one, however many sequences it has") {
  const SpectrumResult result = conclude_five_documents(0.95);
  CHECK(result.sequences == 8);
  CHECK(result.planned_sequences == 9);
  CHECK(result.units == 5);
  CHECK(result.unit == "document");
  CHECK(result.confidence == 0.95);
  const SeriesResult& series = result.series.at(0);
  const double half = kT95Of4 * kErrorOfA;
  check_interval(series.heads[0][0].statistics[0], 0.375, half);
  check_interval(series.heads[0][1].statistics[0], 0.625, half);
  check_interval(series.layers[0].statistics[0], 0.5, half);
  check_interval(series.heads[1][0].statistics[0], 0.1875, half / 2);
  check_interval(series.layers[1].statistics[0], 0.3125, half / 2);
  check_interval(series.model.statistics[0], 0.40625, 0.75 * half);
}

TEST_CASE("intervals are at the confidence that is asked for") {
  const SpectrumResult result = conclude_five_documents(0.90);
  check_interval(result.series.at(0).layers[0].statistics[0], 0.5, kT90Of4 * kErrorOfA);
  CHECK(result.confidence == 0.90);
}

TEST_CASE("quantiles pool all pairs of sequence and head, each counting once") {
  const SeriesResult series = conclude_five_documents(0.95).series.at(0);
  const Summary& head = series.heads[0][0].statistics[0];  // a alone, 8 values
  CHECK(head.median == Approx(0.3125));
  CHECK(head.p95 == Approx(0.5 + 0.65 * 0.125));  // position 0.95 · 7 = 6.65
  CHECK(head.max == 0.625);
  const Summary& layer = series.layers[0].statistics[0];  // a and a + 1/4, 16 values
  CHECK(layer.median == Approx(0.5));
  CHECK(layer.p95 == Approx(0.75 + 0.25 * 0.125));  // position 0.95 · 15 = 14.25
  CHECK(layer.max == 0.875);
  const Summary& k = series.layers[0].statistics[1];  // 1 1 2 3 4 5 6 9 10 10 20 30 40 50 60 90
  CHECK(k.median == Approx(9.5));
  CHECK(k.p95 == Approx(60 + 0.25 * 30));
  CHECK(k.max == 90);
}

TEST_CASE("curves and bands weigh sequences equally, and k is read from the mean curve") {
  const SpectrumResult result = conclude_five_documents(0.95);
  const SeriesResult& series = result.series.at(0);
  CHECK(result.grid == std::vector<double>{1, 2, 3, 4});
  CHECK(result.band_grid == std::vector<double>{1, 4});
  // The mean of a over sequences is 2.75 / 8, not the 3/8 of the documents.
  CHECK(series.head_curves[0][1].cumulative[0] == Approx(0.34375));
  CHECK(series.layer_curves[0].cumulative[0] == Approx((1 + 0.34375) / 2));
  CHECK(series.layer_curves[0].cumulative[2] == Approx(0.95));
  CHECK(series.layer_curves[0].energy[0] == Approx(0.875));
  using K = std::vector<int64_t>;
  CHECK(series.heads[0][0].mean_curve_k == K{1, 1, 1, 1, 1, 1});
  CHECK(series.heads[0][1].mean_curve_k == K{3, 4, 4, 2, 2, 3});
  CHECK(series.layers[0].mean_curve_k == K{3, 3, 4, 2, 2, 3});
  CHECK(series.model.mean_curve_k == K{3, 3, 4, 2, 2, 3});
  const Band& band = series.layer_bands[0];  // (1 + a) / 2 at m = 1
  CHECK(band.p5[0] == Approx((1 + 0.125) / 2));
  CHECK(band.p50[0] == Approx((1 + 0.3125) / 2));
  CHECK(band.p95[0] == Approx((1 + 0.58125) / 2));
  CHECK(band.p50[1] == 1);
}

TEST_CASE("fewer than five documents give blocks of sequences as units") {
  Records records("", layout_of({"probabilities"}, 40, 1));
  std::vector<int64_t> documents;
  const Value number = [](size_t s, int64_t, int64_t) { return static_cast<double>(s) / 64; };
  for (size_t s = 0; s < 40; ++s) {
    documents.push_back(s < 30 ? 0 : 1);
    add(records, s, 0, number, number);
    records.finish(static_cast<int64_t>(s));
  }
  SpectrumResult result;
  conclude(records, documents, {.length = 4, .points = 4}, 0.95, result);
  CHECK(result.units == 20);
  CHECK(result.unit == "block of sequences");
  // Pairs: means 1/2, 5/2, 9/2 ... of the numbers, s² = 4 · 20 · 21 / 12 = 140.
  check_interval(result.series.at(0).layers[0].statistics[0], 19.5 / 64,
                 kT95Of19 * std::sqrt(140.0 / 20) / 64);
  const Band& band = result.series[0].layer_bands[0];  // positions 0.05 · 39 = 1.95 and 0.95 · 39 = 37.05
  CHECK(band.p5[0] == Approx((1 + 1.95 / 64) / 2));
  CHECK(band.p95[0] == Approx((1 + 37.05 / 64) / 2));
}

TEST_CASE("the widest interval is that of the least known layer, and infinite below five units") {
  Records records("", layout_of({"probabilities"}, 9, 2));
  for (size_t s = 0; s < 9; ++s) {
    if (s == 3) continue;
    add(records, s, 0, value_of, value_of);
    records.finish(static_cast<int64_t>(s));
    if (s == 4) CHECK(std::isinf(widest_interval(records, kDocuments, 0.95)));
  }
  CHECK(widest_interval(records, kDocuments, 0.95) == Approx(2 * kT95Of4 * kErrorOfA).epsilon(1e-8));
}

namespace {

// Five documents of one sequence each, or `sequences` of them, with the control beside them. The differences
// of layer 0 are 1/8, 2/8 ... (P above), of layer 1 their negatives, of layer 2 they change sign.
SpectrumResult compare(int64_t sequences, const std::vector<std::string>& series) {
  Records records("", layout_of(series, sequences, 3));
  std::vector<int64_t> documents;
  const Value model = [](size_t s, int64_t, int64_t h) { return static_cast<double>(4 * s) + double(h); };
  const Value k = [](size_t, int64_t, int64_t) { return 3; };
  const Value control = [&](size_t s, int64_t l, int64_t h) {
    const double size = static_cast<double>(s + 1) / 8 + static_cast<double>(h);
    const double sign = l == 0 ? 1 : l == 1 ? -1 : s % 2 == 0 ? 1 : -1;
    return model(s, l, h) - sign * size;
  };
  for (size_t s = 0; s < static_cast<size_t>(sequences); ++s) {
    documents.push_back(static_cast<int64_t>(s));
    for (size_t i = 0; i < series.size(); ++i)
      add(records, s, static_cast<int64_t>(i), i == 0 ? model : control, k);
    records.finish(static_cast<int64_t>(s));
  }
  SpectrumResult result;
  conclude(records, documents, {.length = 4, .points = 4}, 0.95, result);
  return result;
}

}  // namespace

TEST_CASE("a verdict goes by the interval of the differences of each sequence") {
  const SpectrumResult result = compare(5, {"probabilities", "matched"});
  REQUIRE(result.comparisons.size() == 1);
  const Comparison& matched = result.comparisons[0];
  CHECK(matched.control == "matched");
  CHECK(matched.verdicts ==
        std::vector<Verdict>{Verdict::kLowerRank, Verdict::kHigherRank, Verdict::kSameRank});
  // 1/8 ... 5/8, and 1 more in head 1: s² = 0.15625 / 4 again. P itself varies far more.
  const double half = kT95Of4 * kErrorOfA;
  check_interval(matched.heads[0][0], 0.375, half);
  check_interval(matched.heads[0][1], 1.375, half);
  check_interval(matched.layers[0], 0.875, half);
  check_interval(matched.layers[1], -0.875, half);
  CHECK(matched.layers[0].max == 1.625);
  // Layer 2: head averages 5/8, −6/8, 7/8, −8/8, 9/8, mean 7/40.
  CHECK(matched.layers[2].mean == Approx(0.175));
  CHECK(matched.model.mean == Approx((0.875 - 0.875 + 0.175) / 3));
  REQUIRE(result.layer_slopes.size() == 2);
  CHECK(result.layer_slopes[1].of == "probabilities - matched");
  CHECK(result.layer_slopes[1].slope.mean == Approx((0.175 - 0.875) / 2));
  CHECK(result.layer_slopes[1].slope.interval);
}

TEST_CASE("four units give no interval and no verdict") {
  const SpectrumResult result = compare(4, {"probabilities", "matched"});
  CHECK(result.units == 4);
  CHECK(result.unit == "block of sequences");
  CHECK_FALSE(result.series[0].model.statistics[0].interval);
  CHECK_FALSE(result.comparisons[0].layers[0].interval);
  CHECK(result.comparisons[0].layers[0].mean == Approx(0.8125));
  CHECK(result.comparisons[0].verdicts == std::vector<Verdict>(3, Verdict::kTooFewUnits));
}

TEST_CASE("P is compared with every control, causal ones too, and with nothing else") {
  SpectrumResult result =
      compare(5, {"probabilities", "centred", "logits", "matched", "permuted", "causal-uniform", "init"});
  std::vector<std::string> names;
  for (const Comparison& comparison : result.comparisons) {
    names.push_back(comparison.control);
    CHECK(comparison.verdicts[0] == Verdict::kLowerRank);
  }
  CHECK(names == std::vector<std::string>{"matched", "permuted", "causal-uniform", "init"});
  CHECK(result.series.size() == 7);
}

TEST_CASE("what a result says of the heads is left to the caller") {
  Records records("", layout_of({"probabilities"}, 0, 1));
  SpectrumResult result;
  result.causal = true;
  result.layers = {7};
  conclude(records, {}, {.length = 4, .points = 4}, 0.95, result);
  CHECK(result.causal);
  CHECK(result.layers == std::vector<int64_t>{7});
}

TEST_CASE("curves of unequal lengths have no k") {
  Records records("", layout_of({"probabilities"}, 1, 1));
  add(records, 0, 0, value_of, value_of);
  records.finish(0);
  SpectrumResult result;
  conclude(records, std::vector<int64_t>{0}, {.length = 0, .points = 4}, 0.95, result);
  CHECK(result.grid == std::vector<double>{0.25, 0.5, 0.75, 1});
  CHECK(result.series[0].layers[0].mean_curve_k.empty());
}

}  // namespace linformer
