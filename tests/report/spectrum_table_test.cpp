// SPDX-License-Identifier: MIT
#include "report/spectrum_table.h"

#include "catch.h"
#include "report/made_result.h"

using namespace linformer;

TEST_CASE("the table of layers shows each layer beside the matched control") {
  CHECK(
      terminal_table(layer_table(made_result())) ==
      R"(c_2: share of Σσ in the first 2 of 8 singular values; ± half the 95 % interval; k90 σ: median/p95/max
layer            c_2  matched        difference  verdict      k90 σ    e_2  eff. rank  entropy
─────  ─────────────  ───────  ────────────────  ───────────  ─────  ─────  ─────────  ───────
    0  0.688 ± 0.008    0.625  +0.0625 ± 0.0312  lower-rank   4/6/7  0.844        3.5     1.50
    2  0.750 ± 0.008    0.688  +0.0938 ± 0.0312  lower-rank   4/6/7  0.875        3.5     1.50
    4  0.812 ± 0.008    0.750  +0.0000 ± 0.0312  same-rank    4/6/7  0.906        3.5     1.50
    6  0.875 ± 0.008    0.812  -0.0625 ± 0.0312  higher-rank  4/6/7  0.938        3.5     1.50
  all  0.750 ± 0.008    0.688  +0.0625 ± 0.0312               4/6/7  0.875        3.5     1.50
)");
}

TEST_CASE("the table of layers without intervals or control leaves them out") {
  SpectrumResult result = made_result_of_few();
  CHECK(terminal_table(layer_table(result)).find("    0  0.688    0.625     +0.0625  too few  4/6/7") !=
        std::string::npos);
  result.series.resize(1);
  result.comparisons.clear();
  result.equal_length = false;
  CHECK(terminal_table(layer_table(result)).find("layer  c_25%  k90 σ  e_25%  eff. rank  entropy\n") !=
        std::string::npos);
}

TEST_CASE("the table of layers of a big model is about a hundred columns wide") {
  SpectrumResult result = made_result();
  result.at = 1024;
  result.length = 4096;
  for (SeriesResult& series : result.series)
    for (StatisticsOf& layer : series.layers)
      layer.statistics[2] = {.mean = 1000, .interval = {}, .median = 1000, .p95 = 2000, .max = 4000};
  const std::string text = terminal_table(layer_table(result));
  const size_t rule = text.find("─");
  CHECK(display_width(text.substr(rule, text.find('\n', rule) - rule)) <= 105);
}

TEST_CASE("the long table has every statistic and difference in full digits") {
  const Table layers = long_table(made_result(), LongRows::kLayers);
  CHECK(layers.rows.size() == 2 * 5 * (1 + 4) + 5);
  const std::string csv = csv_table(layers);
  CHECK(
      csv.starts_with("series,layer,head,statistic,mean,low,high,median,p95,max,verdict\n"
                      "probabilities,,,cumulative_at_2,0.75,0.7421875,0.7578125,0.75,0.7578125,0.765625,\n"));
  CHECK(csv.find("\nprobabilities - matched,6,,cumulative_at_2,-0.0625,-0.09375,-0.03125,-0.0625,-0.03125,0,"
                 "higher-rank\n") != std::string::npos);

  const Table heads = long_table(made_result(), LongRows::kLayersAndHeads);
  CHECK(heads.rows.size() == 2 * 5 * (1 + 4 + 12) + 5 + 12);
  CHECK(csv_table(heads).find("\nmatched,4,2,cumulative_at_2,0.8125,") != std::string::npos);
  CHECK(csv_table(long_table(made_result_of_few(), LongRows::kLayers))
            .find("\nprobabilities,0,,cumulative_at_2,0.6875,,,0.6875,") != std::string::npos);
}

TEST_CASE("the heat map of a result has its layers and heads") {
  CHECK(heat_map(spectrum_heat_map(made_result()), {}) ==
        R"(Share of Σσ in the first 2 of 8 singular values, by layer and head
layer   0    1    2
    0  62·  68░  75▒
    2  68░  75▒  81▓
    4  75▒  81▓  87▓
    6  81▓  87▓  93█
c_2 in %: 60 · 67 ░ 74 ▒ 81 ▓ 88 █ 95
)");
  SpectrumResult without = made_result();
  without.series[0].heads.clear();
  CHECK(spectrum_heat_map(without).rows.empty());
}
