// SPDX-License-Identifier: MIT
#include "report/headline.h"

#include "catch.h"
#include "report/made_result.h"

using namespace linformer;

namespace {

const std::string kShare =
    "The first 2 of 8 singular values hold 0.750 (95 % interval 0.742..0.758) of Σσ on average over 4 "
    "layers, "
    "3 heads a layer and 20 sequences; ";
const std::string kDifference =
    "that is 0.0625 more than in Gaussian attention of the same row entropy (difference +0.0312..+0.0938): ";

}  // namespace

TEST_CASE("the sentence says how many layers are lower-rank than the matched control") {
  CHECK(headline(made_result(), false) ==
        kShare + kDifference + "2 of 4 layers are lower-rank, 1 is higher-rank, 1 cannot be told from it.");
}

TEST_CASE("the sentence names the level of its interval") {
  SpectrumResult result = made_result();
  result.confidence = 0.9875;
  CHECK(headline(result, false).find("(98.75 % interval 0.742..0.758)") != std::string::npos);
}

TEST_CASE("the sentence names only the verdicts that occur") {
  SpectrumResult result = made_result();
  result.comparisons[0].verdicts.assign(4, Verdict::kSameRank);
  CHECK(headline(result, false) == kShare + kDifference + "4 of 4 layers cannot be told from it.");
  result.comparisons[0].model.mean = -0.0625;
  result.comparisons[0].model.interval.reset();
  result.comparisons[0].verdicts[2] = Verdict::kHigherRank;
  CHECK(headline(result, false) ==
        kShare +
            "that is 0.0625 less than in Gaussian attention of the same row entropy: 1 of 4 layers is "
            "higher-rank, 3 cannot be told from it.");
}

TEST_CASE("the sentence without a matched control does not claim anything about rank") {
  SpectrumResult result = made_result();
  result.comparisons.clear();
  const std::string text = headline(result, false);
  CHECK(text.starts_with(kShare + "without the matched control this does not say whether"));
  CHECK(text.find("lower-rank than its row entropy alone makes it (--control matched).") !=
        std::string::npos);
}

TEST_CASE("the sentence of too few units says how many more it takes") {
  SpectrumResult result = made_result_of_few();
  CHECK(headline(result, false) ==
        "The first 2 of 8 singular values hold 0.750 of Σσ on average over 4 layers, 3 heads a layer and 3 "
        "sequences; with only 3 sequences no interval and no verdict is possible: give at least 2 sequences "
        "more.");
  result.sequences = result.units = 4;
  CHECK(headline(result, false).ends_with("give at least 1 sequence more."));
}

TEST_CASE("the sentence recommends no k for causal heads") {
  const std::string text = headline(made_result(), true);
  CHECK(text.find("more than in causal Gaussian attention of the same row entropy") != std::string::npos);
  CHECK(text.ends_with("no Linformer k is recommended for them, because E and F mix future positions."));
}

TEST_CASE("the sentence tells of an incomplete run, of unequal lengths and of nothing") {
  SpectrumResult result = made_result();
  result.complete = false;
  result.planned_sequences = 50;
  CHECK(headline(result, false).ends_with(" Incomplete: 20 of 50 sequences."));
  result.equal_length = false;
  CHECK(headline(result, false).starts_with("The first 25 % of the singular values hold 0.750"));
  result.sequences = 0;
  CHECK(headline(result, false) == "No sequence was analysed.");
}
