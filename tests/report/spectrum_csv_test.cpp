// SPDX-License-Identifier: MIT
#include "report/spectrum_csv.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "catch.h"
#include "report/made_result.h"

using namespace linformer;

namespace {

std::string curves_csv(const SpectrumResult& result) {
  std::string text;
  write_curves_csv(result, [&](std::string_view rows) { text += rows; });
  return text;
}

}  // namespace

TEST_CASE("curves are written layer by layer, first the layer's own, then the heads'") {
  SpectrumResult result = made_result();
  CHECK(
      curves_csv(result).starts_with("layer,head,series,statistic,m,value\n"
                                     "0,,probabilities,cumulative,1,0.34375\n"
                                     "0,,probabilities,cumulative,2,0.5\n"
                                     "0,,probabilities,cumulative,4,0.75\n"
                                     "0,,probabilities,cumulative,8,1\n"
                                     "0,,probabilities,energy,1,0.671875\n"
                                     "0,,probabilities,energy,2,0.875\n"
                                     "0,,probabilities,energy,4,0.9375\n"
                                     "0,,probabilities,energy,8,1\n"
                                     "0,,probabilities,cumulative_p5,2,0.25\n"
                                     "0,,probabilities,cumulative_p5,8,1\n"
                                     "0,,probabilities,cumulative_p50,2,0.5\n"
                                     "0,,probabilities,cumulative_p50,8,1\n"
                                     "0,,probabilities,cumulative_p95,2,0.625\n"
                                     "0,,probabilities,cumulative_p95,8,1\n"
                                     "0,0,probabilities,cumulative,1,0.1\n"));
  CHECK(curves_csv(result).find("\n6,2,matched,energy,8,1\n") != std::string::npos);
}

TEST_CASE("curves of unequal lengths are at shares of the length") {
  SpectrumResult result = made_result();
  result.equal_length = false;
  result.grid = {0.125, 0.25, 0.5, 1};
  const std::string text = curves_csv(result);
  CHECK(text.starts_with("layer,head,series,statistic,m_over_n,value\n0,,probabilities,cumulative,0.125,"));
}

TEST_CASE("a value that is not finite is an empty cell, and missing curves have no rows") {
  SpectrumResult result = made_result();
  result.series.resize(1);
  result.series[0].layer_curves[0].cumulative[0] = std::numeric_limits<double>::quiet_NaN();
  result.series[0].head_curves.clear();
  result.series[0].layer_bands.clear();
  const std::string text = curves_csv(result);
  CHECK(text.find("\n0,,probabilities,cumulative,1,\n") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1 + 4 * 8);
}

TEST_CASE("a curve that does not fit the grid is refused") {
  SpectrumResult result = made_result();
  result.series[0].head_curves[1][1].energy.pop_back();
  CHECK_THROWS_AS(curves_csv(result), Error);
}

TEST_CASE("curves are handed over one by one, not as one text") {
  std::vector<std::string> pieces;
  write_curves_csv(made_result(), [&](std::string_view rows) { pieces.emplace_back(rows); });
  // A header; in each of 2 series and 4 layers 2 curves and 3 bands of the layer, 2 curves of each of 3
  // heads.
  REQUIRE(pieces.size() == 1 + 2 * 4 * (2 + 3 + 3 * 2));
  for (size_t i = 1; i < pieces.size(); ++i) CHECK(std::count(pieces[i].begin(), pieces[i].end(), '\n') <= 4);
}
