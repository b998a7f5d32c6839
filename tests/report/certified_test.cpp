// SPDX-License-Identifier: MIT
#include "report/certified.h"

#include <algorithm>

#include "catch.h"
#include "io/error_of.h"
#include "report/certified_read.h"

namespace linformer {
namespace {

CertifiedSpectrum made_head(int64_t rows, int64_t layer, int64_t head, double shift) {
  CertifiedSpectrum s;
  s.layer = layer, s.head = head, s.rows = rows, s.cols = rows, s.basis = 5;
  s.squared_norm = 2, s.row_entropy = 3 + shift, s.residual_bound = 0.01;
  s.values = {1.5, 0.5, 0.25};
  for (const double value : s.values) {
    s.sigma.push_back({value, value + shift});
    s.sure_sigma.push_back({value, value + 2 * shift});
    s.energy.push_back({0.5, 0.5 + shift});
    s.sure_energy.push_back({0.5, 0.5 + 2 * shift});
    s.cumulative.push_back({0.25, 0.25 + shift});
  }
  s.nuclear_norm = Interval{4, 5};
  return s;
}

SpectrumResult made(bool probes = true) {
  SpectrumResult result;
  result.confidence = 0.99;
  for (const int64_t rows : {8, 16}) {
    for (const int64_t head : {0, 1})
      result.certified.push_back(made_head(rows, 2, head, head == 0 ? 0.1 : 0.3));
  }
  if (probes) return result;
  for (CertifiedSpectrum& s : result.certified) s.cumulative.clear(), s.nuclear_norm.reset();
  return result;
}

std::string csv_of(const SpectrumResult& result) {
  std::string text;
  write_certified_csv(result, [&](std::string_view rows) { text += rows; });
  return text;
}

}  // namespace

TEST_CASE("a certified head is reported at powers of two and at its last value") {
  const nlohmann::ordered_json json = certified_json(made());
  REQUIRE(json.size() == 4);
  const auto& at = json.at(1).at("at");
  REQUIRE(at.size() == 3);
  CHECK(at.at(0).at("m") == 1);
  CHECK(at.at(1).at("m") == 2);
  CHECK(at.at(2).at("m") == 3);
  CHECK(at.at(2).at("sigma") == 0.25);
  CHECK(at.at(2).at("sigma_interval").at(1) == 0.25 + 0.3);
  CHECK(at.at(0).at("energy_sure_interval").at(1) == 0.5 + 0.6);
  CHECK(json.at(1).at("nuclear_norm_interval").at(0) == 4);
}

TEST_CASE("certified spectra read back and written again are the same to the byte") {
  const std::string file = "made";
  for (const SpectrumResult& result : {made(), made(false)}) {
    const nlohmann::ordered_json json = certified_json(result);
    const nlohmann::json parsed = nlohmann::json::parse(json.dump());
    SpectrumResult back = result;
    back.certified = read_certified(Field(parsed, file));
    CHECK(certified_json(back).dump() == json.dump());
    CHECK(certified_table(back).rows == certified_table(result).rows);
  }
  nlohmann::json wrong = nlohmann::json::parse(certified_json(made()).dump());
  wrong[1]["at"][2]["m"] = 2;
  CHECK(contains(message_of([&] { read_certified(Field(wrong, file)); }),
                 "[1].at[2].m: 2; expected numbers that ascend"));
  wrong[1]["at"] = nlohmann::json::array();
  CHECK(contains(message_of([&] { read_certified(Field(wrong, file)); }), "at least one m"));
}

TEST_CASE("without probes what needs the nuclear norm is null, and says why") {
  const nlohmann::ordered_json json = certified_json(made(false));
  CHECK(json.at(0).at("nuclear_norm_interval").is_null());
  CHECK(contains(json.at(0).at("nuclear_norm_interval_reason").get<std::string>(), "--probes"));
  CHECK(json.at(0).at("at").at(0).at("cumulative_interval").is_null());
  CHECK_FALSE(contains(certified_headline(made(false)), "; and"));
}

TEST_CASE("the table of certified spectra averages the heads of each length and layer") {
  const Table table = certified_table(made());
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0] == std::vector<std::string>{"8", "2", "2", "3.20", "1.500", "3", "0.5000..0.7000",
                                                  "0.5000..0.9000", "0.2500..0.4500", "0.2500..0.4500"});
  CHECK(table.rows[1][0] == "16");
  CHECK(certified_table(made(false)).rows[0].back().empty());
  SpectrumResult fewer = made();  // one head has two values only: what both have is shown
  fewer.certified[1].values.pop_back();
  CHECK(certified_table(fewer).rows[0][5] == "2");
  CHECK(certified_table(fewer).rows[0][8] == "0.5000..0.7000");
}

TEST_CASE("the curves of certified spectra have a line a head and value") {
  const std::string text = csv_of(made());
  CHECK(std::count(text.begin(), text.end(), '\n') == 1 + 4 * 3);
  CHECK(contains(text, "\n16,0,2,1,3,0.25,0.25,0.55,0.25,0.85,0.5,0.8,0.5,1.1,0.25,0.55\n"));
  CHECK(contains(csv_of(made(false)), "\n16,0,2,1,3,0.25,0.25,0.55,0.25,0.85,0.5,0.8,0.5,1.1,,\n"));
}

TEST_CASE("the sentence of certified spectra is about the longest") {
  SpectrumResult result = made();
  CHECK(
      certified_headline(result) ==
      "The first 3 singular values at n = 16 hold 0.500..0.700 of Σσ² (surely 0.500..0.900) on average over "
      "2 heads, at a confidence of 99 % for each; and 0.250..0.450 of Σσ.");
  result.causal = true, result.complete = false;
  result.sequences = 1, result.planned_sequences = 3;
  CHECK(contains(certified_headline(result), "no Linformer k"));
  CHECK(contains(certified_headline(result), "Incomplete: 1 of 3 sequences."));
}

}  // namespace linformer
